/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include <string.h>

#include "harness/sng-child-private.h"
#include "harness/sng-program-private.h"
#include "state/sng-json-private.h"
#include "state/sng-state-io-private.h"
#include "sng-enum-types.h"
#include "sng-error.h"

#define PLAN_VERSION 1

guint
sng_harness_get_effective_stop (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  return priv->stop_step != 0 ? priv->stop_step : priv->val_check_interval;
}

static gboolean
check_stop_step (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->num_steps < 2)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[harness][settings] num-steps is %u: a training that is stopped and resumed has at least 2 steps",
          priv->num_steps);
      return FALSE;
    }

  if (priv->stop_step >= priv->num_steps)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[harness][settings] stop-step is %u and num-steps %u: the stop must be at a step from 1 to %u",
          priv->stop_step, priv->num_steps, priv->num_steps - 1);
      return FALSE;
    }

  if (priv->stop_step == 0 && (priv->val_check_interval == 0 || priv->val_check_interval >= priv->num_steps))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[harness][settings] stop-step is 0, which is after the first checkpoint, but with "
                   "val-check-interval %u and num-steps %u there is none before the last step",
                   priv->val_check_interval, priv->num_steps);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_stop_plan (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (SngStopPlan) plan = sng_stop_plan_from_string (priv->stop_plan, error);

  if (plan == NULL)
    {
      g_prefix_error (error, "[harness][settings] stop-plan: ");
      return FALSE;
    }

  return sng_harness_check_kills (self, plan, error);
}

static gboolean
check_stops (SngHarness *self, GError **error)
{
  if (sng_harness_get_private (self)->stop_plan == NULL)
    return check_stop_step (self, error);

  return check_stop_plan (self, error);
}

gboolean
sng_harness_check_settings (SngHarness *self, gboolean stops, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *device = sng_harness_dup_device_name (self, SNG_MODE_CONTINUOUS);
  g_autofree char *resume_device = sng_harness_dup_device_name (self, SNG_MODE_RESUME);

  if (!sng_precision_from_string (priv->precision != NULL ? priv->precision : "", NULL, error))
    {
      g_prefix_error (error, "[harness][settings] ");
      return FALSE;
    }

  if (priv->exp_name == NULL || *priv->exp_name == '\0' || strchr (priv->exp_name, '/') != NULL
      || g_str_equal (priv->exp_name, ".") || g_str_equal (priv->exp_name, ".."))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[harness][settings] the exp-name \"%s\" cannot be the name of a directory",
                   priv->exp_name != NULL ? priv->exp_name : "");
      return FALSE;
    }

  if (!g_str_equal (resume_device, device) && !priv->noise_tolerance)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[harness][settings] the resume-device is %s and the device %s: they do not round alike, so "
          "noise-tolerance has to be set, which measures how far apart they are",
          resume_device, device);
      return FALSE;
    }

  if (priv->noise_tolerance && !priv->repeat)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[harness][settings] noise-tolerance needs repeat, which measures the noise");
      return FALSE;
    }

  if (priv->command != NULL && priv->command[0] == NULL)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[harness][settings] the command is empty");
      return FALSE;
    }

  if (priv->metadata_dir != NULL
      && (*priv->metadata_dir == '\0' || !g_utf8_validate (priv->metadata_dir, -1, NULL)))
    {
      g_autofree char *valid = g_utf8_make_valid (priv->metadata_dir, -1);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[harness][settings] the metadata-dir \"%s\" is empty or no text in UTF-8", valid);
      return FALSE;
    }

  return !stops || check_stops (self, error);
}

static gboolean
is_setting (SngHarness *self, GParamSpec *spec)
{
  static const char *const others[] = { "command", "root-dir", "exp-name", "jobs", NULL };
  const SngRunner *runner = sng_harness_get_private (self)->runner;

  if (runner != NULL)
    return g_strv_contains (runner->settings, spec->name);

  return spec->owner_type == SNG_TYPE_HARNESS && !g_strv_contains (others, spec->name);
}

/* The properties that make a run what it is: those of SngHarness, without where it is kept and how it is started; of a command, its own. */
static GParamSpec **
list_settings (SngHarness *self, guint *n_settings)
{
  guint n_properties;
  guint n = 0;
  GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self), &n_properties);

  for (guint i = 0; i < n_properties; i++)
    {
      if (is_setting (self, specs[i]))
        specs[n++] = specs[i];
    }

  *n_settings = n;

  return specs;
}

static JsonArray *
strings_to_json (char **strings)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; strings != NULL && strings[i] != NULL; i++)
    {
      g_autofree char *valid = g_utf8_make_valid (strings[i], -1);

      json_array_add_string_element (array, valid);
    }

  return array;
}

static JsonNode *
value_to_node (const GValue *value)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);

  if (G_VALUE_HOLDS_UINT (value))
    json_node_set_int (node, g_value_get_uint (value));
  else if (G_VALUE_HOLDS_UINT64 (value))
    json_node_set_int (node, (gint64) g_value_get_uint64 (value));
  else if (G_VALUE_HOLDS_DOUBLE (value))
    json_node_set_double (node, g_value_get_double (value));
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    json_node_set_boolean (node, g_value_get_boolean (value));
  else if (G_VALUE_HOLDS_ENUM (value))
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));

      json_node_set_string (node, g_enum_get_value (klass, g_value_get_enum (value))->value_nick);
    }
  else if (G_VALUE_HOLDS_FLAGS (value))
    json_node_set_int (node, g_value_get_flags (value));
  else if (G_VALUE_HOLDS (value, G_TYPE_STRV) && g_value_get_boxed (value) != NULL)
    {
      g_autoptr (JsonArray) array = strings_to_json (g_value_get_boxed (value));

      json_node_init_array (node, array);
    }
  else if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value) != NULL)
    json_node_set_string (node, g_value_get_string (value));
  else
    json_node_init_null (node);

  return node;
}

/* FALSE where the node is nothing that value_to_node() makes of such a value. */
static gboolean
node_to_value (JsonNode *node, GValue *value)
{
  guint64 number = 0;

  if (G_VALUE_HOLDS_STRING (value))
    {
      g_value_set_string (value, JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL);
      return JSON_NODE_HOLDS_NULL (node) || json_node_get_value_type (node) == G_TYPE_STRING;
    }

  if (!JSON_NODE_HOLDS_VALUE (node))
    return FALSE;

  if (G_VALUE_HOLDS_DOUBLE (value))
    {
      g_value_set_double (value, json_node_get_double (node));
      return TRUE;
    }

  if (G_VALUE_HOLDS_BOOLEAN (value))
    {
      g_value_set_boolean (value, json_node_get_boolean (node));
      return json_node_get_value_type (node) == G_TYPE_BOOLEAN;
    }

  if (G_VALUE_HOLDS_ENUM (value))
    {
      g_autoptr (GEnumClass) klass = g_type_class_ref (G_VALUE_TYPE (value));
      const char *nick = json_node_get_string (node);
      GEnumValue *known = nick != NULL ? g_enum_get_value_by_nick (klass, nick) : NULL;

      if (known != NULL)
        g_value_set_enum (value, known->value);
      return known != NULL;
    }

  if (!sng_json_node_unsigned (node, &number) || (!G_VALUE_HOLDS_UINT64 (value) && number > G_MAXUINT))
    return FALSE;

  if (G_VALUE_HOLDS_FLAGS (value))
    g_value_set_flags (value, (guint) number);
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, (guint) number);
  else
    g_value_set_uint64 (value, number);

  return TRUE;
}

static JsonObject *
settings_to_json (SngHarness *self)
{
  JsonObject *object = json_object_new ();
  guint n_settings;
  g_autofree GParamSpec **specs = list_settings (self, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (self), specs[i]->name, &value);
      json_object_set_member (object, specs[i]->name, value_to_node (&value));
    }

  return object;
}

static JsonObject *
environment_to_json (SngHarness *self)
{
  g_autoptr (GVariant) environment = sng_harness_describe_environment (self, NULL);
  JsonObject *object = json_object_new ();
  GVariantIter iter;
  const char *key, *value;

  g_variant_iter_init (&iter, environment);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    json_object_set_string_member (object, key, value);

  return object;
}

static JsonArray *
command_to_json (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_auto (GStrv) command = priv->command != NULL ? g_strdupv (priv->command) : sng_child_dup_command (NULL);

  return strings_to_json (command);
}

static char *
dup_plan_path (SngHarness *self)
{
  return g_build_filename (sng_harness_get_private (self)->run_directory, "plan.json", NULL);
}

static char *
dup_stops (SngHarness *self, const char *stops)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *resolved =
      priv->runner != NULL && priv->plan != NULL ? sng_stop_plan_to_string (priv->plan) : NULL;

  if (stops != NULL)
    return g_strdup (stops);
  if (resolved != NULL)
    return priv->recorded_steps > 0 ? g_strdup_printf ("at %s", resolved)
                                    : g_strdup ("where the stop-command ends");
  if (priv->stop_plan != NULL)
    return g_strdup_printf ("at %s", priv->stop_plan);
  if (priv->runner != NULL && priv->stop_step == 0)
    return g_strdup ("in the middle");

  return g_strdup_printf ("after step %u", sng_harness_get_effective_stop (self));
}

gboolean
sng_harness_write_plan (SngHarness *self, const char *stops, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *path = dup_plan_path (self);
  g_autofree char *name = g_utf8_make_valid (priv->exp_name, -1);
  g_autofree char *stops_text = dup_stops (self, stops);
  g_autofree char *text = NULL;
  g_autoptr (GError) local_error = NULL;

  json_object_set_int_member (object, "version", PLAN_VERSION);
  json_object_set_string_member (object, "exp-name", name);
  json_object_set_int_member (object, "steps", (gint64) MAX (priv->num_steps, priv->recorded_steps));
  json_object_set_string_member (object, "stops", stops_text);
  json_object_set_int_member (object, "seed", (gint64) priv->seed);
  json_object_set_array_member (object, "command", command_to_json (self));
  json_object_set_object_member (object, "settings", settings_to_json (self));
  json_object_set_object_member (object, "environment", environment_to_json (self));
  json_node_take_object (root, object);
  text = json_to_string (root, TRUE);

  if (!g_file_set_contents (path, text, -1, &local_error))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[harness][plan] %s: %s", path, local_error->message);
      return FALSE;
    }

  return TRUE;
}

static gboolean
apply_settings (SngHarness *self, JsonObject *settings, const char *path, GError **error)
{
  guint n_settings;
  g_autofree GParamSpec **specs = list_settings (self, &n_settings);

  for (guint i = 0; i < n_settings; i++)
    {
      JsonNode *node = json_object_get_member (settings, specs[i]->name);
      g_auto (GValue) value = G_VALUE_INIT;

      g_value_init (&value, specs[i]->value_type);

      if (node == NULL || !node_to_value (node, &value))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                       "[harness][plan] %s: the setting %s is missing or has another type", path,
                       specs[i]->name);
          return FALSE;
        }

      g_object_set_property (G_OBJECT (self), specs[i]->name, &value);
    }

  return TRUE;
}

gboolean
sng_harness_read_plan (SngHarness *self, GError **error)
{
  g_autofree char *path = dup_plan_path (self);
  g_autofree char *text = NULL;
  gsize length;
  g_autoptr (JsonNode) root = NULL;
  JsonObject *settings;
  g_autoptr (GError) local_error = NULL;

  if (!g_file_get_contents (path, &text, &length, &local_error))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[harness][plan] %s: %s", path, local_error->message);
      return FALSE;
    }

  root = sng_json_parse_object (text, length, error);
  if (root == NULL)
    {
      g_prefix_error (error, "[harness][plan] %s: ", path);
      return FALSE;
    }

  settings = sng_json_get_object (json_node_get_object (root), "settings");
  if (settings == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[harness][plan] %s: there are no settings in it", path);
      return FALSE;
    }

  return apply_settings (self, settings, path, error);
}
