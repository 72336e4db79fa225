/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the reader of manifests takes for JSON, and what for none. */

#include <string.h>

#include "sng-error.h"
#include "state-fixture.h"
#include "state/sng-json-private.h"

static JsonNode *
parse (const char *text, GError **error)
{
  return sng_json_parse_object (text, strlen (text), error);
}

static void
assert_refused (const char *text, gsize length, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = sng_json_parse_object (text, length, &error);

  if (node != NULL)
    g_error ("'%s' was taken", text);
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA, words);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    const char *words;
  } cases[] = {
    { "", "the JSON object does not end at byte 0" },
    { " \t\r\n", "the JSON object does not end at byte 4" },
    { "{", "the JSON object does not end at byte 1" },
    { "{\"a\": [1, 2}", "the JSON object does not end" },
    { "[]", "not a JSON object at byte 0" },
    { "7", "not a JSON object" },
    { "{}{}", "something follows the JSON object at byte 2" },
    { "{} x", "something follows the JSON object at byte 3" },
    { "{\"a\": 1, \"a\": 2}", "'a' is there twice" },
    { "{\"b\": {\"a\": 1, \"a\": 2, \"a\": 3, \"b\": 0, \"b\": 1}}", "'a' is there twice" },
    { "{\"a\": tru}", "not JSON at byte 6" },
    { "{\"a\": t", "not JSON at byte 6" },
    { "{'a': 1}", "not JSON at byte 1" },
    { "{\"a\": 1} // b", "something follows" },
    { "{/* b */}", "not JSON at byte 1" },
    { "{\"a\"}", "not JSON" },
    { "{\"a\": }", "not JSON" },
    { "{\"a\": \"", "a malformed JSON string at byte 6" },
    { "{\"a\": \"b\nc\"}", "a malformed JSON string" },
    { "{\"a\": \"\\x\"}", "a malformed JSON string" },
    { "{\"a\": \"\\", "a malformed JSON string" },
    { "{\"a\": \"\\u12", "a malformed JSON string" },
    { "{\"a\": \"\\u12g4\"}", "a malformed JSON string" },
    { "{\"a\": \"\\u0000\"}", "a malformed JSON string" },
    { "{\"a\": \"\\ud800\"}", "a malformed JSON string" },
    { "{\"a\": \"\\ud800 dc00 \"}", "a malformed JSON string" },
    { "{\"a\": \"\\ud800\\n1234\"}", "a malformed JSON string" },
    { "{\"a\": \"\\ud800\\ue000\"}", "a malformed JSON string" },
    { "{\"a\": \"\\ud800\\u0041\"}", "a malformed JSON string" },
    { "{\"a\": \"\\udc00\\ud800\"}", "a malformed JSON string" },
    { "{\"a\": \"\\udc00\\udc00\"}", "a malformed JSON string" },
    { "{\"a\": -}", "a malformed or too long number at byte 6" },
    { "{\"a\": -", "a malformed or too long number" },
    { "{\"a\": 01}", "a malformed or too long number" },
    { "{\"a\": 1.}", "a malformed or too long number" },
    { "{\"a\": 1e}", "a malformed or too long number" },
    { "{\"a\": 1e", "a malformed or too long number" },
    { "{\"a\": 1e+}", "a malformed or too long number" },
    { "{\"a\": 9223372036854775808}", "a malformed or too long number" },
    { "{\"a\": -12345678901234567890}", "a malformed or too long number" },
    { "{\"a\": \"\xff\"}", "not UTF-8 text" },
    { "{\"\\u0061\": 1, \"a\": 2}", "'a' is there twice" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].text, strlen (cases[i].text), cases[i].words);

  /* A zero byte is no escape, and ends nothing. */
  assert_refused ("{\"a\": \"\\\0\"}", 11, "not UTF-8 text");
  assert_refused ("{}\0", 3, "not UTF-8 text");
}

/* As deep as a manifest goes, and some more; the parser itself would go on until its stack ends. */
static void
test_depth (void)
{
  for (guint depth = 15; depth <= 17; depth++)
    {
      g_autoptr (GString) text = g_string_new ("{\"a\": ");
      g_autoptr (JsonNode) node = NULL;

      for (guint i = 1; i < depth; i++)
        g_string_append_c (text, '[');
      for (guint i = 1; i < depth; i++)
        g_string_append_c (text, ']');
      g_string_append_c (text, '}');
      if (depth > 16)
        assert_refused (text->str, text->len, "JSON nested too deep");
      else
        g_assert_nonnull (node = parse (text->str, NULL));
    }
}

static void
test_taken (void)
{
  static const char text[] =
      "\t{\"word\": [true, false, null], \"zero\": 0, \"minus\": -0,\r\n"
      " \"most\": 9223372036854775807, \"least\": -9223372036854775807, \"part\": -1.25,"
      " \"large\": 1E2, \"small\": 1.5e-1, \"plus\": 1e+1, \"empty\": {},"
      " \"string\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ue000\" }\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = parse (text, &error);
  JsonObject *object;
  guint64 number = 1;

  g_assert_no_error (error);
  object = json_node_get_object (node);
  g_assert_cmpuint (json_array_get_length (sng_json_get_array (object, "word")), ==, 3);
  g_assert_nonnull (sng_json_get_object (object, "empty"));
  g_assert_cmpstr (sng_json_get_string (object, "string"), ==, "\"\\/\b\f\n\r\t\u00e9\U0001f600\ue000");
  g_assert_true (sng_json_get_unsigned (object, "zero", &number));
  g_assert_cmpuint (number, ==, 0);
  g_assert_true (sng_json_get_unsigned (object, "most", &number));
  g_assert_cmpuint (number, ==, G_MAXINT64);

  /* What is absent, or of another kind. */
  g_assert_false (sng_json_get_unsigned (object, "least", &number));
  g_assert_false (sng_json_get_unsigned (object, "part", &number));
  g_assert_false (sng_json_get_unsigned (object, "string", &number));
  g_assert_false (sng_json_get_unsigned (object, "word", &number));
  g_assert_false (sng_json_get_unsigned (object, "none", &number));
  g_assert_false (sng_json_node_unsigned (json_object_get_member (object, "word"), &number));
  g_assert_null (sng_json_get_string (object, "zero"));
  g_assert_null (sng_json_get_string (object, "empty"));
  g_assert_null (sng_json_get_object (object, "word"));
  g_assert_null (sng_json_get_object (object, "none"));
  g_assert_null (sng_json_get_array (object, "empty"));
}

/* Numbers as such, where the text may end anywhere. */
static void
test_numbers (void)
{
  static const struct
  {
    const char *text;
    gsize n;
  } cases[] = { { "", 0 },    { "-", 0 },    { "0", 1 },    { "-0", 2 },    { "00", 0 },
                { "12,", 2 }, { "1.", 0 },   { "1.5", 3 },  { "1.5x", 3 },  { "1e", 0 },
                { "1e5", 3 }, { "1E+5", 4 }, { "1e-", 0 },  { "1e-5", 4 },  { "x", 0 },
                { ".5", 0 },  { "1ee5", 0 }, { "1e5e", 3 }, { "1.5e+", 0 }, { "1.5e+7", 6 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (sng_json_scan_number (cases[i].text, cases[i].text + strlen (cases[i].text)), ==,
                      cases[i].n);
}

/* What is written is read again, and the string is cut where a zero character is. */
static void
test_strings (void)
{
  static const char zero[] = "\"\\\0\"";
  static const char original[] = "a\"b\\c\1\b\t\n\v\f\r\037\177\u00e9";
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *again = NULL;
  g_autofree char *cut = NULL;
  gboolean has_zero;
  gsize n;

  sng_json_append_string (text, original);
  g_assert_cmpstr (text->str, ==, "\"a\\\"b\\\\c\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\177\u00e9\"");
  n = sng_json_scan_string (text->str, text->str + text->len, &has_zero);
  g_assert_cmpuint (n, ==, text->len);
  g_assert_false (has_zero);
  again = sng_json_decode_string (text->str, n);
  g_assert_cmpstr (again, ==, original);

  g_string_assign (text, "\"a\\u0000b\" ");
  n = sng_json_scan_string (text->str, text->str + text->len, &has_zero);
  g_assert_cmpuint (n, ==, text->len - 1);
  g_assert_true (has_zero);
  cut = sng_json_decode_string (text->str, n);
  g_assert_cmpstr (cut, ==, "a");

  /* Nor is it an escape where nobody has looked whether it is text. */
  g_assert_cmpuint (sng_json_scan_string (zero, zero + sizeof zero - 1, &has_zero), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/json/refused", test_refused);
  g_test_add_func ("/sng/json/depth", test_depth);
  g_test_add_func ("/sng/json/taken", test_taken);
  g_test_add_func ("/sng/json/numbers", test_numbers);
  g_test_add_func ("/sng/json/strings", test_strings);

  return g_test_run ();
}
