/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The contents of JSON and CSV files. */

#include <math.h>
#include <string.h>

#include "file-records-fixture.h"
#include "record/sng-file-contents-private.h"

static void
test_json (FileRecords *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = file_records_record_data (
      fixture, "state.json",
      "{\"step\": 7, \"loss\": 0.1, \"nan\": NaN, \"low\": -Infinity, \"name\": \"a\\u00e9\\n\", \"on\": "
      "true,\n"
      " \"none\": null, \"list\": [1, [2.0, {}], []], \"b.c\": 1, \"0\": 2, \"\": 3, \"q\\\"\": 4,\n"
      " \"rng\": [18446744073709551615, 340282366920938463463374607431768211455, -9223372036854775808]}",
      -1);

  g_assert_cmpuint (entries->len, ==, 18);
  file_records_assert_value (entries, "step", "int64 7");
  file_records_assert_value (entries, "loss", "0.10000000000000001");
  g_assert_true (
      isnan (g_variant_get_double (sng_metadata_get_value (file_records_look_up (entries, "nan")))));
  file_records_assert_value (entries, "low", "-inf");
  file_records_assert_value (entries, "name", "'aé\\n'");
  file_records_assert_value (entries, "on", "true");
  file_records_assert_value (entries, "none", "@ms nothing");
  file_records_assert_value (entries, "list.0", "int64 1");
  file_records_assert_value (entries, "list.1.0", "2.0");
  file_records_assert_value (entries, "list.1.1", "@a{sv} {}");
  file_records_assert_value (entries, "list.2", "@av []");
  file_records_assert_value (entries, "[\"b.c\"]", "int64 1");
  file_records_assert_value (entries, "[\"0\"]", "int64 2");
  file_records_assert_value (entries, "[\"\"]", "int64 3");
  file_records_assert_value (entries, "[\"q\\\"\"]", "int64 4");
  file_records_assert_value (entries, "rng.0", "uint64 18446744073709551615");
  file_records_assert_value (entries, "rng.1", "('340282366920938463463374607431768211455',)");
  file_records_assert_value (entries, "rng.2", "int64 -9223372036854775808");
}

static void
test_json_content (FileRecords *fixture, gconstpointer data)
{
  const char *text = "{\"a\": 1, \"b\": {\"x\": 0.1, \"y\": [1, 2]}}";

  /* The same content. */
  g_assert_null (
      file_records_compare (fixture, "s.json", text, "{\"b\":{\"y\":[1,2],\"x\":1e-1},\n\n\"a\":1}\n"));
  g_assert_null (file_records_compare (fixture, "s.json", "\"\\u0041\"", " \"A\" "));

  /* Another one: a unit in the last place, the type, the place, what is missing, what is empty. */
  g_assert_cmpstr (file_records_compare (fixture, "s.json", text,
                                         "{\"a\":1,\"b\":{\"x\":0.10000000000000002,\"y\":[1,2]}}"),
                   ==, "b.x");
  g_assert_cmpstr (
      file_records_compare (fixture, "s.json", text, "{\"a\":1.0,\"b\":{\"x\":0.1,\"y\":[1,2]}}"), ==, "a");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", text, "{\"a\":1,\"b\":{\"x\":0.1,\"y\":[2,1]}}"),
                   ==, "b.y.0");
  g_assert_cmpstr (
      file_records_compare (fixture, "s.json", text, "{\"a\":1,\"b\":{\"x\":0.1,\"y\":[1,2,3]}}"), ==,
      "b.y.2");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", text, "{\"b\":{\"x\":0.1,\"y\":[1,2]}}"), ==,
                   "a");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "[1]", "{\"0\":1}"), ==, "0");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "{}", "[]"), ==, "");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "{\"a\":{\"b\":1}}", "{\"a.b\":1}"), ==, "a.b");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "0.0", "-0.0"), ==, "");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "null", "\"null\""), ==, "");
  g_assert_cmpstr (file_records_compare (fixture, "s.json", "340282366920938463463374607431768211455",
                                         "\"340282366920938463463374607431768211455\""),
                   ==, "");
}

static void
test_json_refused (FileRecords *fixture, gconstpointer data)
{
  static const char *const texts[] = {
    "",
    "{",
    "[1",
    "[1 2]",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{a: 1}",
    "01",
    "1.",
    "+1",
    "nan",
    "'a'",
    "\"a",
    "[1] 2",
    "// a\n1",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\xff",
    "{\"a\":1,\"b\":2,\"a\":1}",
    "{1:2}",
    "{\"\\u0000\":1}",
    "{\"a\":}",
  };
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autoptr (GPtrArray) entries = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GPtrArray) refused = file_records_record_data (fixture, "s.json", texts[i], -1);
      g_autofree char *escaped = g_strescape (texts[i], NULL);

      g_test_message ("%s", escaped);
      file_records_assert_not_parsed (refused, "not JSON: ", (gint64) strlen (texts[i]));
    }

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (deep, '[');
  entries = file_records_record_data (fixture, "s.json", deep->str, (gssize) deep->len);
  file_records_assert_not_parsed (entries, "nested too deep at byte", 100000);
}

/* As trainers write their log: a few settings, and an entry a step. */
static char *
make_history (guint n, guint changed, gboolean integers)
{
  GString *text = g_string_new ("{\"epoch\": 3, \"losses\": [");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, integers ? "%s%u" : "%s%u.25", i > 0 ? "," : "", i == changed ? i + 1 : i);
  g_string_append (text, "], \"log\": [");
  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s{\"step\": %u, \"lr\": 0.%u}", i > 0 ? "," : "", i, i % 10);
  g_string_append (text, "]}");

  return g_string_free (text, FALSE);
}

static void
test_json_large (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *text = make_history (20000, G_MAXUINT, FALSE);
  g_autofree char *integers = make_history (20000, G_MAXUINT, TRUE);
  g_autofree char *changed = make_history (20000, 19999, FALSE);
  g_autoptr (GPtrArray) entries = file_records_record_data (fixture, "s.json", text, -1);
  g_autoptr (GPtrArray) others = file_records_record_data (fixture, "s.json", integers, -1);
  g_autoptr (GString) log = g_string_new (text);
  g_autoptr (GString) order = g_string_new (text);

  g_assert_cmpuint (entries->len, ==, 3);
  file_records_assert_value (entries, "epoch", "int64 3");
  file_records_assert_tensor (entries, "losses", SNG_DTYPE_F64, (gint64[]){ 20000 }, 1);
  file_records_assert_tensor (others, "losses", SNG_DTYPE_I64, (gint64[]){ 20000 }, 1);
  g_assert_cmpint (sng_metadata_get_dtype (file_records_look_up (entries, "log")), ==, SNG_DTYPE_U8);

  g_assert_cmpstr (file_records_compare (fixture, "s.json", text, changed), ==, "losses");

  g_assert_cmpuint (
      g_string_replace (log, "{\"step\": 19999, \"lr\": 0.9}", "{\"step\": 19999, \"lr\": 0.8}", 0), ==, 1);
  g_assert_cmpstr (file_records_compare (fixture, "s.json", text, log->str), ==, "log");
  g_assert_cmpuint (
      g_string_replace (order, "{\"step\": 19999, \"lr\": 0.9}", "{\"lr\":0.90, \"step\":19999}", 0), ==, 1);
  g_assert_null (file_records_compare (fixture, "s.json", text, order->str));
}

/* However it is cut, no document makes more entries than the limit. */
static void
test_json_limit (FileRecords *fixture, gconstpointer data)
{
  for (guint outer = 1; outer <= 30000; outer = outer * 5 + 3)
    {
      g_autoptr (GString) text = g_string_new ("[");
      g_autoptr (GPtrArray) entries = NULL;

      for (guint i = 0; i < outer; i++)
        {
          g_string_append (text, i > 0 ? ",[\"a\"" : "[\"a\"");
          for (guint j = 1; j < 30000 / outer; j++)
            g_string_append_printf (text, ",%u", j);
          g_string_append_c (text, ']');
        }
      g_string_append_c (text, ']');
      entries = file_records_record_data (fixture, "s.json", text->str, (gssize) text->len);
      g_assert_null (file_records_look_up (entries, "not-parsed"));
      g_assert_cmpuint (entries->len, <=, SNG_FILE_CONTENTS_MAX_ENTRIES);
    }
}

static void
test_csv (FileRecords *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = file_records_record_data (fixture, "log.csv",
                                                            "step,loss,\"a, \"\"b\"\"\",,loss\r\n"
                                                            "1,0.5,x,y,\"two\nlines\"\r\n"
                                                            "2, -1e-3 ,\"3\",nan,007\n"
                                                            "\n"
                                                            "4,inf,18446744073709551615,5,6,7",
                                                            -1);
  g_autoptr (GPtrArray) plain = file_records_record_data (fixture, "log.csv", "1,a\n2,b\n", -1);
  g_autoptr (GPtrArray) bom = file_records_record_data (fixture, "log.csv", "\xef\xbb\xbfstep\n1\n", -1);
  g_autoptr (GPtrArray) empty = file_records_record_data (fixture, "log.csv", "", -1);
  g_autoptr (GPtrArray) header = file_records_record_data (fixture, "log.csv", "a,b,", -1);

  g_assert_cmpuint (entries->len, ==, 18);
  file_records_assert_value (entries, "columns", "['step', 'loss', 'a, \"b\"', '3', '4', '5']");
  file_records_assert_value (entries, "0.step", "int64 1");
  file_records_assert_value (entries, "0.loss", "0.5");
  file_records_assert_value (entries, "0.a, \"b\"", "'x'");
  file_records_assert_value (entries, "0.3", "'y'");
  file_records_assert_value (entries, "0.4", "'two\\nlines'");
  file_records_assert_value (entries, "1.loss", "-0.001");
  file_records_assert_value (entries, "1.a, \"b\"", "int64 3");
  g_assert_true (
      isnan (g_variant_get_double (sng_metadata_get_value (file_records_look_up (entries, "1.3")))));
  file_records_assert_value (entries, "1.4", "'007'");
  file_records_assert_value (entries, "2.step", "''");
  file_records_assert_value (entries, "3.loss", "inf");
  file_records_assert_value (entries, "3.a, \"b\"", "uint64 18446744073709551615");
  file_records_assert_value (entries, "3.5", "int64 7");

  g_assert_cmpuint (plain->len, ==, 5);
  file_records_assert_value (plain, "columns", "['0', '1']");
  file_records_assert_value (plain, "1.1", "'b'");
  file_records_assert_value (bom, "0.step", "int64 1");
  g_assert_cmpuint (empty->len, ==, 1);
  file_records_assert_value (empty, "columns", "@as []");
  g_assert_cmpuint (header->len, ==, 1);
  file_records_assert_value (header, "columns", "['a', 'b', '2']");
}

static void
test_csv_content (FileRecords *fixture, gconstpointer data)
{
  static const char *const refused[] = { "a,\"b\n1,2\n", "a,b\n1,\"2\"x\n", "a,b\n1,2\"3\"\n", "a\xff\n",
                                         "\"a\"b" };
  g_autoptr (GPtrArray) zero = file_records_record_data (fixture, "a.csv", "a,b\n1,\0002", 8);

  g_assert_null (file_records_compare (fixture, "a.csv", "a,b\n1,0.10\n", "\"a\",b\r\n1,\"1e-1\""));
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", "a,b\n1,0.1\n", "a,b\n1,0.10000000000000002\n"),
                   ==, "0.b");
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", "a,b\n1,x\n", "a,b\n1,y\n"), ==, "0.b");
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", "a,b\n1,2\n", "a,b\n1,2\n1,2\n"), ==, "1.a");
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", "a,b\n1,2\n", "a,c\n1,2\n"), ==, "columns");
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", "a,b\n1,2\n", "b,a\n2,1\n"), ==, "columns");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GPtrArray) entries = file_records_record_data (fixture, "a.csv", refused[i], -1);
      g_autofree char *escaped = g_strescape (refused[i], NULL);

      g_test_message ("%s", escaped);
      file_records_assert_not_parsed (entries, "no table: ", (gint64) strlen (refused[i]));
    }
  file_records_assert_not_parsed (zero, "a zero byte, in line 2", 8);
}

static char *
make_table (guint n, guint changed, const char *last)
{
  GString *text = g_string_new ("step,loss,note,large\n");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%u,%u%s,n%u,%s\n", i, i,
                            i == changed ? ".5"
                            : i % 2      ? ".25"
                                         : "",
                            i, i % 2 ? "0.5" : "9007199254740993");
  g_string_append (text, last);

  return g_string_free (text, FALSE);
}

static void
test_csv_large (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *text = make_table (4000, G_MAXUINT, "");
  g_autofree char *changed = make_table (4000, 3999, "");
  g_autofree char *ragged = make_table (4000, G_MAXUINT, "1,2\n");
  g_autoptr (GPtrArray) entries = file_records_record_data (fixture, "a.csv", text, -1);
  g_autoptr (GPtrArray) others = file_records_record_data (fixture, "a.csv", ragged, -1);
  g_autoptr (GString) note = g_string_new (text);
  g_autoptr (GString) large = g_string_new (text);

  g_assert_cmpuint (entries->len, ==, 5);
  file_records_assert_tensor (entries, "column.step", SNG_DTYPE_I64, (gint64[]){ 4000 }, 1);
  file_records_assert_tensor (entries, "column.loss", SNG_DTYPE_F64, (gint64[]){ 4000 }, 1);
  g_assert_cmpint (sng_metadata_get_dtype (file_records_look_up (entries, "column.note")), ==, SNG_DTYPE_U8);
  /* As doubles two of these integers would be one. */
  g_assert_cmpint (sng_metadata_get_dtype (file_records_look_up (entries, "column.large")), ==, SNG_DTYPE_U8);
  file_records_assert_not_parsed (others, "rows of several lengths", (gint64) strlen (ragged));

  g_assert_null (file_records_compare (fixture, "a.csv", text, text));
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", text, changed), ==, "column.loss");
  g_assert_cmpuint (g_string_replace (note, ",n3999,", ",m3999,", 0), ==, 1);
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", text, note->str), ==, "column.note");
  g_assert_cmpuint (g_string_replace (large, ",n3998,9007199254740993", ",n3998,9007199254740992", 0), ==, 1);
  g_assert_cmpstr (file_records_compare (fixture, "a.csv", text, large->str), ==, "column.large");
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *path;
    void (*test) (FileRecords *, gconstpointer);
  } tests[] = {
    { "/sng/file-tables/json", test_json },
    { "/sng/file-tables/json/content", test_json_content },
    { "/sng/file-tables/json/refused", test_json_refused },
    { "/sng/file-tables/json/large", test_json_large },
    { "/sng/file-tables/json/limit", test_json_limit },
    { "/sng/file-tables/csv", test_csv },
    { "/sng/file-tables/csv/content", test_csv_content },
    { "/sng/file-tables/csv/large", test_csv_large },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, FileRecords, NULL, file_records_set_up, tests[i].test, file_records_tear_down);

  return g_test_run ();
}
