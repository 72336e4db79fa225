/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include <string.h>

#include "record/sng-environment-private.h"

/* What a shell reads as it is. */
#define PLAIN G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "%+,-./:=@_"

/* ---- Tensors and values ---- */

static int
get_name_width (SngStateDict *dict)
{
  int width = 0;

  for (guint i = 0; i < sng_state_dict_get_n_items (dict); i++)
    width = MAX (width, (int) strlen (sng_state_dict_get_name (dict, i)));

  return width;
}

static void
print_tensor (SngTensor *tensor)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (tensor, &n_dims);
  g_autoptr (GString) dims = g_string_new ("[");
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autofree char *hash = NULL;
  double minimum = 0, maximum = 0, mean = 0;
  guint64 n_non_finite = 0;

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (dims, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", shape[i]);
  g_string_append_c (dims, ']');

  fingerprint = sng_tensor_summarize (tensor, &minimum, &maximum, &mean, &n_non_finite);
  hash = sng_fingerprint_to_string (fingerprint);
  g_print ("%-7s %-14s %s", sng_dtype_get_name (sng_tensor_get_dtype (tensor)), dims->str, hash);

  if (sng_tensor_get_n_elements (tensor) > 0)
    g_print (_ ("  from %g to %g, mean %g"), minimum, maximum, mean);
  if (n_non_finite > 0)
    g_print (_ (", %" PRIu64 " not finite"), n_non_finite);
  g_print ("\n");
}

static void
print_dict (SngStateDict *dict, const char *indent)
{
  int width = get_name_width (dict);

  for (guint i = 0; i < sng_state_dict_get_n_items (dict); i++)
    {
      const char *name = sng_state_dict_get_name (dict, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (dict, name);

      g_print ("%s%-*s  ", indent, width, name);
      if (tensor != NULL)
        print_tensor (tensor);
      else
        {
          g_autofree char *value = g_variant_print (sng_state_dict_lookup_value (dict, name), FALSE);

          g_print ("%s\n", value);
        }
    }
}

static gboolean
show_safetensors (const char *path, GError **error)
{
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (SngStateDict) tensors = sng_safetensors_load (path, &metadata, error);

  if (tensors == NULL)
    return FALSE;

  g_print (ngettext ("%s: %u tensor\n", "%s: %u tensors\n", sng_state_dict_get_n_items (tensors)), path,
           sng_state_dict_get_n_items (tensors));
  if (metadata != NULL && g_variant_n_children (metadata) > 0)
    {
      g_autofree char *text = g_variant_print (metadata, FALSE);

      g_print ("  %s\n", text);
    }
  print_dict (tensors, "  ");

  return TRUE;
}

static gboolean
show_checkpoint (const char *path, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, error);
  g_auto (GStrv) names = NULL;
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autofree char *hash = NULL;

  if (checkpoint == NULL)
    return FALSE;

  fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
  hash = fingerprint != NULL ? sng_fingerprint_to_string (fingerprint) : NULL;
  g_print (_ ("%s: the state after step %" PRIu64 ", fingerprint %s\n"), path,
           sng_checkpoint_get_step (checkpoint), hash != NULL ? hash : "");

  names = sng_checkpoint_dup_names (checkpoint);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_print ("  %s\n", names[i]);
      print_dict (sng_checkpoint_lookup_state (checkpoint, names[i]), "    ");
    }

  return TRUE;
}

/* ---- Runs ---- */

static gboolean
print_metric (SngRunStore *store, const char *metric, int width, const char *indent, GError **error)
{
  guint64 first = 0, last = 0;
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, metric, 0, G_MAXUINT64, error);

  if (entries == NULL)
    return FALSE;

  if (entries->len == 0)
    {
      g_print (_ ("%s%-*s  nothing recorded\n"), indent, width, metric);
      return TRUE;
    }

  if (!sng_run_store_get_step_range (store, metric, &first, &last, error))
    return FALSE;

  g_print (ngettext ("%s%-*s  %8u entry, steps %" PRIu64 " to %" PRIu64 "\n",
                     "%s%-*s  %8u entries, steps %" PRIu64 " to %" PRIu64 "\n", entries->len),
           indent, width, metric, entries->len, first, last);

  return TRUE;
}

/* How a run ended, as far as it could note that itself: a command ends without a word. */
static char *
describe_end (SngRunStore *store)
{
  g_autoptr (GVariant) finished = sng_run_store_get_info (store, "finished");
  g_autoptr (GVariant) stopped = sng_run_store_get_info (store, "stopped-at");
  g_autoptr (GVariant) n_steps = sng_run_store_get_info (store, "num-steps");

  if (finished != NULL)
    return g_strdup (_ ("finished"));
  if (stopped != NULL && g_variant_is_of_type (stopped, G_VARIANT_TYPE_UINT64))
    return g_strdup_printf (_ ("stopped after step %" PRIu64), g_variant_get_uint64 (stopped));

  return g_strdup (n_steps != NULL ? _ ("not finished") : _ ("recorded by a command"));
}

/* Of choices, of which a long training makes thousands, only how many. */
static void
print_environment (SngRunStore *store)
{
  const char *name = "environment";
  g_autoptr (GVariant) environment = sng_run_store_get_info (store, name);
  guint n_choices = 0;
  GVariantIter iter;
  const char *key, *value;

  if (environment == NULL || !g_variant_is_of_type (environment, G_VARIANT_TYPE ("a{ss}")))
    return;

  g_print ("  %s:", name);
  g_variant_iter_init (&iter, environment);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    {
      g_autofree char *escaped = g_strescape (value, NULL);

      if (sng_environment_is_choice (key))
        n_choices++;
      else
        g_print (" %s \"%s\"", key, escaped);
    }
  g_print ("\n");
  if (n_choices > 0)
    g_print (_ ("  algorithms: %u\n"), n_choices);
}

/* Those of a whole run are short: what they ran in is told once, by the plan, and where it differs, by the report. */
static gboolean
show_store (const char *path, const char *indent, GError **error)
{
  g_autofree char *store_path = sng_cli_dup_store (path);
  g_autoptr (SngRunStore) store = sng_run_store_open (store_path, error);
  g_autofree char *end = NULL;
  g_autoptr (GVariant) restored = NULL;
  g_auto (GStrv) metrics = NULL;
  int width = 0;

  if (store == NULL)
    return FALSE;

  metrics = sng_run_store_list_metrics (store, error);
  if (metrics == NULL)
    return FALSE;

  end = describe_end (store);
  restored = sng_run_store_get_info (store, "restored-step");
  g_print ("%s%s: %s", indent, path, end);
  if (restored != NULL && g_variant_is_of_type (restored, G_VARIANT_TYPE_UINT64))
    g_print (_ (", restored from step %" PRIu64), g_variant_get_uint64 (restored));
  g_print ("\n");
  if (*indent == '\0')
    print_environment (store);

  for (guint i = 0; metrics[i] != NULL; i++)
    width = MAX (width, (int) strlen (metrics[i]));

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      g_autofree char *deeper = g_strconcat (indent, "  ", NULL);

      if (!print_metric (store, metrics[i], width, deeper, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
holds (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static void
print_members (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonObjectIter iter;
  const char *member;
  JsonNode *value;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;

  g_print ("  %s:", name);
  json_object_iter_init_ordered (&iter, json_node_get_object (node));
  while (json_object_iter_next_ordered (&iter, &member, &value))
    {
      g_autofree char *text = json_to_string (value, FALSE);

      g_print (" %s %s", member, text);
    }
  g_print ("\n");
}

/* As it would be typed. */
static void
print_command (JsonObject *plan)
{
  JsonNode *node = json_object_get_member (plan, "command");
  JsonArray *command = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  if (command == NULL)
    return;

  g_print (_ ("  command:"));
  for (guint i = 0; i < json_array_get_length (command); i++)
    {
      JsonNode *element = json_array_get_element (command, i);
      const char *argument = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_string (element) : NULL;
      g_autofree char *quoted = argument != NULL ? g_shell_quote (argument) : NULL;
      gboolean is_plain = argument != NULL && *argument != '\0' && argument[strspn (argument, PLAIN)] == '\0';

      if (quoted != NULL)
        g_print (" %s", is_plain ? argument : quoted);
    }
  g_print ("\n");
}

static gboolean
show_plan (const char *path, GError **error)
{
  g_autoptr (JsonNode) root = sng_cli_load_json (path, "plan.json", error);
  JsonObject *plan;

  if (root == NULL)
    return FALSE;

  plan = json_node_get_object (root);
  if (!holds (plan, "steps", G_TYPE_INT64) || !holds (plan, "stops", G_TYPE_STRING)
      || !holds (plan, "seed", G_TYPE_INT64))
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
          _ ("%s/plan.json: this is no plan of libsng: steps and seed must be numbers, stops a text"), path);
      return FALSE;
    }

  g_print (_ ("%s: %" PRId64 " steps, stopped %s, seed %" PRId64 "\n"), path,
           json_object_get_int_member (plan, "steps"), json_object_get_string_member (plan, "stops"),
           json_object_get_int_member (plan, "seed"));
  print_command (plan);
  print_members (plan, "settings");
  print_members (plan, "environment");

  return TRUE;
}

static void
print_warnings (JsonObject *report)
{
  JsonNode *node = json_object_get_member (report, "warnings");
  JsonArray *warnings = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; warnings != NULL && i < json_array_get_length (warnings); i++)
    {
      JsonNode *element = json_array_get_element (warnings, i);
      const char *text = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_string (element) : NULL;
      g_autofree char *escaped = text != NULL ? g_strescape (text, NULL) : NULL;

      if (escaped != NULL)
        g_print (_ ("  warning: %s\n"), escaped);
    }
}

static gboolean
show_verdict (const char *path, GError **error)
{
  g_autofree char *report = g_build_filename (path, "report.json", NULL);
  g_autoptr (JsonNode) root = NULL;
  JsonObject *object;

  if (!g_file_test (report, G_FILE_TEST_EXISTS))
    return TRUE;

  root = sng_cli_load_json (path, "report.json", error);
  if (root == NULL)
    return FALSE;

  object = json_node_get_object (root);
  if (!holds (object, "verdict", G_TYPE_STRING))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   _ ("%s: this is no report of libsng: there is no verdict in it"), report);
      return FALSE;
    }

  print_warnings (object);
  g_print (_ ("  verdict: %s\n"), json_object_get_string_member (object, "verdict"));

  return TRUE;
}

static gboolean
show_run (const char *path, GError **error)
{
  g_auto (GStrv) modes = sng_cli_list_runs (path, error);

  if (modes == NULL || !show_plan (path, error) || !show_verdict (path, error))
    return FALSE;

  for (guint i = 0; modes[i] != NULL; i++)
    {
      g_autofree char *mode = g_build_filename (path, modes[i], NULL);

      if (!show_store (mode, "  ", error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
show (const char *path, GError **error)
{
  SngKind kind;

  if (!sng_cli_find_kind (path, &kind, error))
    return FALSE;

  switch (kind)
    {
    case SNG_KIND_RUN:
      return show_run (path, error);
    case SNG_KIND_STORE:
      return show_store (path, "", error);
    case SNG_KIND_CHECKPOINT:
      return show_checkpoint (path, error);
    case SNG_KIND_SAFETENSORS:
    default:
      return show_safetensors (path, error);
    }
}

int
sng_command_show (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (!sng_cli_parse (
          "show", _ ("PATH"),
          _ ("Prints what PATH holds: a run directory, the directory or run store (.db) of one of\n"
             "its modes, a checkpoint, or a .safetensors file."),
          _ ("Exit codes: 0 it was printed, 3 it could not be read."), NULL, NULL, 1, &argc, &argv))
    return SNG_EXIT_ERROR;

  return show (argv[1], &error) ? SNG_EXIT_PASS : sng_cli_fail ("%s", error->message);
}
