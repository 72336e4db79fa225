/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-child-private.h"

#include "state/sng-json-private.h"
#include "sng-error.h"

gboolean
sng_outcome_save (const char *path,
                  GPtrArray *warnings,
                  const SngRun *run,
                  const GError *outcome,
                  GError **error)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < warnings->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (warnings, i));
  json_object_set_array_member (object, "warnings", array);
  json_object_set_double_member (object, "start-processor-seconds", run->start_processor_seconds);
  json_object_set_double_member (object, "processor-seconds", run->processor_seconds);

  if (outcome != NULL)
    {
      JsonObject *failure = json_object_new ();
      g_autofree char *message = g_utf8_make_valid (outcome->message, -1);

      json_object_set_string_member (failure, "domain", g_quark_to_string (outcome->domain));
      json_object_set_int_member (failure, "code", outcome->code);
      json_object_set_string_member (failure, "message", message);
      json_object_set_object_member (object, "error", failure);
    }

  json_node_take_object (root, object);
  text = json_to_string (root, TRUE);

  if (!g_file_set_contents (path, text, -1, &local_error))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[harness][child] %s: %s", path, local_error->message);
      return FALSE;
    }

  return TRUE;
}

static gboolean
load_error (JsonObject *failure, const char *path, GError **error)
{
  const char *domain = sng_json_get_string (failure, "domain");
  const char *message = sng_json_get_string (failure, "message");
  gint64 code = json_object_get_int_member_with_default (failure, "code", -1);

  if (domain == NULL || message == NULL || code < 0 || code > G_MAXINT)
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                 "[harness][child] %s: the error in it is incomplete", path);
  else
    g_set_error_literal (error, g_quark_from_string (domain), (int) code, message);

  return FALSE;
}

gboolean
sng_outcome_load (const char *path, SngHarness *self, SngRun *run, gboolean *found, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;
  JsonArray *warnings;
  JsonObject *failure;

  *found = g_file_get_contents (path, &text, &length, NULL);
  if (!*found)
    return TRUE;

  root = sng_json_parse_object (text, length, error);
  if (root == NULL)
    {
      g_prefix_error (error, "[harness][child] %s: ", path);
      return FALSE;
    }

  object = json_node_get_object (root);
  run->start_processor_seconds =
      json_object_get_double_member_with_default (object, "start-processor-seconds", 0.0);
  run->processor_seconds = json_object_get_double_member_with_default (object, "processor-seconds", 0.0);
  warnings = sng_json_get_array (object, "warnings");

  for (guint i = 0; warnings != NULL && i < json_array_get_length (warnings); i++)
    {
      JsonNode *element = json_array_get_element (warnings, i);
      const char *warning = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_string (element) : NULL;

      if (warning != NULL)
        sng_harness_add_warning (self, warning);
    }

  failure = sng_json_get_object (object, "error");

  return failure == NULL || load_error (failure, path, error);
}
