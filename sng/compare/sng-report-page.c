/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The page is the template report/report.html, filled in with the report's JSON. */

#include "compare/sng-report-page-private.h"

#include <gio/gio.h>

#include "compare/sng-template-private.h"
#include "sng-version.h"

JsonArray *
sng_report_page_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

JsonObject *
sng_report_page_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

const char *
sng_report_page_get_string (JsonObject *object, const char *name)
{
  return json_object_get_string_member_with_default (object, name, NULL);
}

void
sng_report_page_add_verdict (JsonObject *object)
{
  const char *verdict = sng_report_page_get_string (object, "verdict");
  g_autofree char *class = g_ascii_strdown (verdict, -1);
  const char *sign = "?";

  if (g_str_equal (class, "pass"))
    sign = "✓";
  else if (g_str_equal (class, "diverged"))
    sign = "✗";
  else if (g_str_equal (class, "nondeterministic"))
    sign = "≠";

  json_object_set_string_member (object, "class", class);
  json_object_set_string_member (object, "sign", sign);
}

static char *
load (const char *name)
{
  g_autofree char *path = g_strconcat ("/sng/report/", name, NULL);
  g_autoptr (GBytes) bytes = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

  g_assert (bytes != NULL);

  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

static void
append_hash (GString *policy, const char *text)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  g_autofree char *base64 = NULL;

  g_checksum_update (checksum, (const guint8 *) text, -1);
  g_checksum_get_digest (checksum, digest, &size);
  base64 = g_base64_encode (digest, size);

  g_string_append_printf (policy, " 'sha256-%s'", base64);
}

/* Nothing is fetched, and nothing runs or styles the page but what is put in here. */
static void
add_assets (JsonObject *report)
{
  g_autofree char *css = load ("report.css");
  g_autofree char *chart_js = load ("chart.min.js");
  g_autofree char *script = load ("report.js");
  g_autoptr (GString) policy = g_string_new ("default-src 'none'; style-src");

  append_hash (policy, css);
  g_string_append (policy, "; script-src");
  append_hash (policy, chart_js);
  append_hash (policy, script);

  json_object_set_string_member (report, "policy", policy->str);
  json_object_set_string_member (report, "css", css);
  json_object_set_string_member (report, "chart_js", chart_js);
  json_object_set_string_member (report, "script", script);
  json_object_set_string_member (report, "version", SNG_VERSION_S);
}

/* @from: NULL: there is nothing to take. */
static void
copy_member (JsonObject *to, JsonObject *from, const char *name)
{
  JsonNode *node = from != NULL ? json_object_get_member (from, name) : NULL;

  if (node != NULL)
    json_object_set_member (to, name, json_node_copy (node));
}

/* What the script draws. Within a script element only "<" could end it, and JSON has that only within texts. */
static void
add_data (JsonObject *report)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *data = json_object_new ();
  g_autofree char *json = NULL;
  g_autofree char *valid = NULL;
  g_autoptr (GString) text = NULL;

  json_node_take_object (node, data);
  copy_member (data, report, "charts");
  copy_member (data, sng_report_page_get_object (report, "elements"), "bins");

  json = json_to_string (node, FALSE);
  valid = g_utf8_make_valid (json, -1);
  text = g_string_new (valid);
  g_string_replace (text, "<", "\\u003c", 0);

  json_object_set_string_member (report, "data", text->str);
}

char *
sng_report_page_new (JsonObject *report)
{
  g_autofree char *template = load ("report.html");
  g_autoptr (JsonNode) root = json_node_alloc ();

  sng_report_page_add_verdict (report);
  sng_report_page_add_lanes (report);
  sng_report_page_add_strips (report);
  sng_report_page_add_parts (report);
  sng_report_page_add_elements (report);
  sng_report_page_add_faults (report);
  sng_report_page_add_kills (report);
  sng_report_page_add_environment (report);
  sng_report_page_add_charts (report);
  add_data (report);
  add_assets (report);

  json_node_init_object (root, report);

  return sng_template_expand (template, root);
}
