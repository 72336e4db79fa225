/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-template-private.h"

static char *
expand (const char *text, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) data = json_from_string (json, &error);

  g_assert_no_error (error);

  return sng_template_expand (text, data);
}

static void
assert_expands (const char *text, const char *json, const char *expected)
{
  g_autofree char *page = expand (text, json);

  g_assert_cmpstr (page, ==, expected);
}

static void
test_values (void)
{
  assert_expands ("nothing to fill in\n", "{}", "nothing to fill in\n");
  assert_expands ("{{a}} {{b}} {{c}} {{d}} {{e}}.", "{\"a\":\"x\",\"b\":-3,\"c\":0.1,\"d\":true,\"e\":null}",
                  "x -3 0.1 true .");
  assert_expands ("[{{missing}}]", "{}", "[]");
  assert_expands ("[{{list}}{{object}}]", "{\"list\":[1],\"object\":{}}", "[]");
}

static void
test_escape (void)
{
  assert_expands ("{{a}}", "{\"a\":\"<b a='1' c=\\\"2\\\">&amp;\"}",
                  "&lt;b a=&apos;1&apos; c=&quot;2&quot;&gt;&amp;amp;");
  assert_expands ("{{{a}}}", "{\"a\":\"<b>&\"}", "<b>&");
  /* what is filled in is no template */
  assert_expands ("{{a}}{{{a}}}", "{\"a\":\"{{b}}\",\"b\":\"wrong\"}", "{{b}}{{b}}");
}

static void
test_invalid_utf8 (void)
{
  g_autoptr (JsonNode) data = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *page = NULL;

  json_node_take_object (data, json_object_new ());
  json_object_set_string_member (json_node_get_object (data), "a", "x\xff\xc3<");
  page = sng_template_expand ("{{a}}", data);

  g_assert_cmpstr (page, ==, "x\357\277\275\357\277\275&lt;");
}

static void
test_sections (void)
{
  const char *there[] = { "true", "1", "0", "0.5", "\"x\"", "{}", NULL };
  const char *absent[] = { "null", "false", "\"\"", "[]", NULL };

  for (guint i = 0; there[i] != NULL; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"a\":%s}", there[i]);

      assert_expands ("{{#a}}some{{/a}}{{?a}} once{{/a}}{{^a}}none{{/a}}", json, "some once");
    }

  for (guint i = 0; absent[i] != NULL; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"a\":%s}", absent[i]);

      assert_expands ("{{#a}}some{{b}}{{/a}}{{?a}}once{{/a}}{{^a}}none{{/a}}", json, "none");
    }

  assert_expands ("{{#a}}some{{/a}}{{?a}}once{{/a}}{{^a}}none{{/a}}", "{}", "none");
}

static void
test_lists (void)
{
  assert_expands ("{{#a}}<{{.}}>{{/a}}", "{\"a\":[1,\"x\",2.5]}", "<1><x><2.5>");
  assert_expands ("{{?a}}[{{#a}}{{.}}{{/a}}]{{/a}}", "{\"a\":[1,2]}", "[12]");
  assert_expands ("{{#a}}{{x}}{{y}};{{/a}}{{x}}", "{\"x\":0,\"y\":9,\"a\":[{\"x\":1},{\"x\":2,\"y\":3}]}",
                  "19;23;0");
  /* within each other, and of the same name */
  assert_expands ("{{#a}}{{#b}}{{x}}{{/b}}{{^b}}-{{/b}}|{{/a}}",
                  "{\"a\":[{\"b\":[{\"x\":1},{\"x\":2}]},{\"b\":[]},{\"b\":null}]}", "12|-|-|");
  assert_expands ("{{#a}}{{#a}}{{x}}{{/a}}{{/a}}", "{\"a\":{\"a\":{\"x\":1}}}", "1");
  /* a section that is left out leaves out what is in it */
  assert_expands ("{{^a}}{{#b}}x{{^c}}y{{/c}}{{/b}}{{/a}}z", "{\"a\":1,\"b\":1}", "z");
}

static void
test_line_feeds (void)
{
  assert_expands ("a\n{{#a}}\nb {{.}}\n{{/a}}\nc\n{{a}}\n", "{\"a\":[1,2]}", "a\nb 1\nb 2\nc\n\n");
}

static const char *const broken[] = { "{{a", "{{#a}}", "{{#a}}{{/b}}", "{{/a}}", "{{{a}}" };

static void
test_broken (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/template/broken/subprocess/%u", i);

      g_test_trap_subprocess (path, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_failed ();
    }
}

static void
test_broken_subprocess (gconstpointer text)
{
  g_autofree char *page = expand (text, "{\"a\":1}");

  g_printerr ("%s was not refused, but gave %s\n", (const char *) text, page);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/template/values", test_values);
  g_test_add_func ("/sng/template/escape", test_escape);
  g_test_add_func ("/sng/template/invalid-utf8", test_invalid_utf8);
  g_test_add_func ("/sng/template/sections", test_sections);
  g_test_add_func ("/sng/template/lists", test_lists);
  g_test_add_func ("/sng/template/line-feeds", test_line_feeds);
  g_test_add_func ("/sng/template/broken", test_broken);
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/template/broken/subprocess/%u", i);

      g_test_add_data_func (path, broken[i], test_broken_subprocess);
    }

  return g_test_run ();
}
