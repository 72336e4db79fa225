/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include "record/sng-environment-private.h"

/* ---- Tensors ---- */

static void
print_diffs (GListModel *diffs, gboolean *equal)
{
  guint n = g_list_model_get_n_items (diffs);
  guint n_different = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngTensorDiff) diff = g_list_model_get_item (diffs, i);
      g_autofree char *text = NULL;

      if (sng_tensor_diff_get_kind (diff) == SNG_DIFF_EQUAL)
        continue;

      n_different++;
      text = sng_tensor_diff_to_string (diff);
      g_print ("%s: %s\n", sng_tensor_diff_get_name (diff), text);
    }

  *equal = n_different == 0;
  if (*equal)
    g_print (ngettext ("equal: %u entry\n", "equal: %u entries\n", n), n);
  else
    g_print (ngettext ("different: %u of %u entry\n", "different: %u of %u entries\n", n), n_different, n);
}

static gboolean
diff_safetensors (const char *first, const char *second, gboolean *equal, GError **error)
{
  g_autoptr (GListModel) diffs = sng_diff_files (first, second, error);

  if (diffs == NULL)
    return FALSE;

  print_diffs (diffs, equal);

  return TRUE;
}

static gboolean
diff_checkpoints (const char *first, const char *second, gboolean *equal, GError **error)
{
  g_autoptr (SngCheckpoint) a = sng_checkpoint_load (first, error);
  g_autoptr (SngCheckpoint) b = a != NULL ? sng_checkpoint_load (second, error) : NULL;
  g_autoptr (GListModel) diffs = b != NULL ? sng_diff_checkpoints (a, b, error) : NULL;

  if (diffs == NULL)
    return FALSE;

  print_diffs (diffs, equal);

  return TRUE;
}

/* ---- Runs ---- */

typedef struct
{
  SngRunStore *stores[2];
  const char *paths[2];
} Runs;

static gboolean
has_entries (SngRunStore *store, const char *metric)
{
  guint64 first, last;

  return sng_run_store_get_step_range (store, metric, &first, &last, NULL);
}

/* Prints the metrics that only one of two runs has entries of, which is no case for a comparison. */
static gboolean
print_lone_metrics (SngRunStore *store, SngRunStore *other, const char *path, gboolean *found, GError **error)
{
  g_auto (GStrv) metrics = sng_run_store_list_metrics (store, error);

  if (metrics == NULL)
    return FALSE;

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      if (has_entries (store, metrics[i]) && !has_entries (other, metrics[i]))
        {
          g_print (_ ("%s: only in %s\n"), metrics[i], path);
          *found = TRUE;
        }
    }

  return TRUE;
}

static gboolean
count_entries (SngRunStore *store, const char *metric, guint64 *n_entries, GError **error)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, metric, 0, G_MAXUINT64, error);

  if (entries == NULL)
    return FALSE;

  *n_entries = entries->len;

  return TRUE;
}

/* Those of a key that both runs have, and those of a key that only one has. */
static gboolean
print_metric (Runs *runs, SngMetricResult *result, guint64 *n_entries, GError **error)
{
  const char *name = sng_metric_result_get_name (result);
  guint64 compared = sng_metric_result_get_compared (result);
  guint64 n_different = sng_metric_result_get_n_different (result);
  guint64 lone[2];

  *n_entries = compared;
  if (n_different == 0)
    return TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (lone); i++)
    {
      if (!count_entries (runs->stores[i], name, &lone[i], error))
        return FALSE;
      lone[i] -= compared;
      *n_entries += lone[i];
    }

  g_print (
      ngettext ("%s: %" PRIu64 " of %" PRIu64 " entry", "%s: %" PRIu64 " of %" PRIu64 " entries", compared),
      name, n_different - lone[0] - lone[1], compared);
  for (guint i = 0; i < G_N_ELEMENTS (lone); i++)
    {
      if (lone[i] > 0)
        g_print (_ (", %" PRIu64 " more only in %s"), lone[i], runs->paths[i]);
    }
  g_print ("\n");

  return TRUE;
}

/* What the two ran in, before what they recorded there. */
static void
print_environments (SngReport *report)
{
  GListModel *runs = sng_report_get_runs (report);
  g_autoptr (SngReportRun) first = g_list_model_get_item (runs, 0);
  g_autoptr (SngReportRun) second = g_list_model_get_item (runs, 1);
  GVariant *a = first != NULL ? sng_report_run_get_environment (first) : NULL;
  GVariant *b = second != NULL ? sng_report_run_get_environment (second) : NULL;
  g_autoptr (GArray) differences = sng_environment_compare (a, b);

  for (guint i = 0; i < differences->len; i++)
    {
      const SngEnvironmentDifference *difference = &g_array_index (differences, SngEnvironmentDifference, i);

      g_print (_ ("%s: %s and %s\n"), difference->key,
               difference->expected != NULL ? difference->expected : "-",
               difference->found != NULL ? difference->found : "-");
      if (difference->n_more > 0)
        g_print (ngettext ("%u more algorithm differs\n", "%u more algorithms differ\n", difference->n_more),
                 difference->n_more);
    }
}

static gboolean
print_report (Runs *runs, SngReport *report, gboolean *equal, GError **error)
{
  GListModel *metrics = sng_report_get_metrics (report);
  SngDivergence *first = sng_report_get_first_divergence (report);
  guint64 n_entries = 0;
  guint64 n_different = 0;

  print_environments (report);
  if (first != NULL)
    {
      g_autofree char *place = sng_divergence_dup_place (first);
      const char *detail = sng_divergence_get_detail (first);

      g_print (_ ("first: %s at %s: %s and %s%s%s\n"), sng_divergence_get_metric (first), place,
               sng_divergence_get_expected (first), sng_divergence_get_actual (first),
               *detail != '\0' ? "; " : "", detail);
    }

  for (guint i = 0; i < g_list_model_get_n_items (metrics); i++)
    {
      g_autoptr (SngMetricResult) result = g_list_model_get_item (metrics, i);
      guint64 n;

      if (!print_metric (runs, result, &n, error))
        return FALSE;

      n_entries += n;
      n_different += sng_metric_result_get_n_different (result);
    }

  if (n_different > 0)
    *equal = FALSE;
  if (*equal)
    g_print (ngettext ("equal: %" PRIu64 " entry\n", "equal: %" PRIu64 " entries\n", n_entries), n_entries);
  else
    g_print (ngettext ("different: %" PRIu64 " of %" PRIu64 " entry\n",
                       "different: %" PRIu64 " of %" PRIu64 " entries\n", n_entries),
             n_different, n_entries);

  return TRUE;
}

static gboolean
diff_stores (const char *first, const char *second, gboolean *equal, GError **error)
{
  g_autofree char *first_path = sng_cli_dup_store (first);
  g_autofree char *second_path = sng_cli_dup_store (second);
  g_autoptr (SngRunStore) a = sng_run_store_open (first_path, error);
  g_autoptr (SngRunStore) b = a != NULL ? sng_run_store_open (second_path, error) : NULL;
  g_autoptr (SngComparison) comparison = NULL;
  g_autoptr (SngReport) report = NULL;
  gboolean found = FALSE;

  if (b == NULL || !print_lone_metrics (a, b, first, &found, error)
      || !print_lone_metrics (b, a, second, &found, error))
    return FALSE;

  comparison = sng_comparison_new (a);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, b);
  report = sng_comparison_run (comparison, error);
  if (report == NULL)
    return FALSE;

  *equal = !found;

  return print_report (&(Runs){ { a, b }, { first, second } }, report, equal, error);
}

/* Prints the values of one object of the plans that are not the same. */
static void
print_members (JsonNode *first, JsonNode *second, const char *name)
{
  JsonNode *nodes[] = { json_object_get_member (json_node_get_object (first), name),
                        json_object_get_member (json_node_get_object (second), name) };
  JsonObjectIter iter;
  const char *member;
  JsonNode *value;

  if (nodes[0] == NULL || nodes[1] == NULL || !JSON_NODE_HOLDS_OBJECT (nodes[0])
      || !JSON_NODE_HOLDS_OBJECT (nodes[1]))
    return;

  json_object_iter_init_ordered (&iter, json_node_get_object (nodes[0]));
  while (json_object_iter_next_ordered (&iter, &member, &value))
    {
      JsonNode *other = json_object_get_member (json_node_get_object (nodes[1]), member);
      g_autofree char *text = json_to_string (value, FALSE);
      g_autofree char *other_text = other != NULL ? json_to_string (other, FALSE) : NULL;

      if (other_text != NULL && !g_str_equal (text, other_text))
        g_print (_ ("%s: %s and %s\n"), member, text, other_text);
    }
}

/* What may explain a difference, and makes none itself. */
static gboolean
print_plans (const char *first, const char *second, GError **error)
{
  g_autoptr (JsonNode) a = sng_cli_load_json (first, "plan.json", error);
  g_autoptr (JsonNode) b = a != NULL ? sng_cli_load_json (second, "plan.json", error) : NULL;

  if (b == NULL)
    return FALSE;

  print_members (a, b, "settings");
  print_members (a, b, "environment");

  return TRUE;
}

/* Mode by mode; one that only one of the runs has makes them different. */
static gboolean
diff_runs (const char *first, const char *second, gboolean *equal, GError **error)
{
  g_auto (GStrv) first_modes = sng_cli_list_runs (first, error);
  g_auto (GStrv) second_modes = first_modes != NULL ? sng_cli_list_runs (second, error) : NULL;

  if (second_modes == NULL)
    return FALSE;

  if (first_modes[0] == NULL && second_modes[0] == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, _ ("neither %s nor %s holds what a mode recorded"),
                   first, second);
      return FALSE;
    }

  if (!print_plans (first, second, error))
    return FALSE;

  *equal = TRUE;

  for (guint i = 0; first_modes[i] != NULL; i++)
    {
      g_autofree char *a = g_build_filename (first, first_modes[i], NULL);
      g_autofree char *b = g_build_filename (second, first_modes[i], NULL);
      gboolean mode_equal = FALSE;

      g_print ("%s\n", first_modes[i]);
      if (!g_strv_contains ((const char *const *) second_modes, first_modes[i]))
        g_print (_ ("only in %s\n"), first);
      else if (!diff_stores (a, b, &mode_equal, error))
        return FALSE;

      *equal = *equal && mode_equal;
    }

  for (guint i = 0; second_modes[i] != NULL; i++)
    {
      if (!g_strv_contains ((const char *const *) first_modes, second_modes[i]))
        {
          g_print (_ ("%s\nonly in %s\n"), second_modes[i], second);
          *equal = FALSE;
        }
    }

  return TRUE;
}

static gboolean
diff (const char *first, const char *second, gboolean *equal, GError **error)
{
  static const struct
  {
    const char *name;
    gboolean (*diff) (const char *first, const char *second, gboolean *equal, GError **error);
  } kinds[] = {
    [SNG_KIND_RUN] = { N_ ("a run directory"), diff_runs },
    [SNG_KIND_STORE] = { N_ ("a run store"), diff_stores },
    [SNG_KIND_CHECKPOINT] = { N_ ("a checkpoint"), diff_checkpoints },
    [SNG_KIND_SAFETENSORS] = { N_ ("a .safetensors file"), diff_safetensors },
  };
  SngKind a, b;

  if (!sng_cli_find_kind (first, &a, error) || !sng_cli_find_kind (second, &b, error))
    return FALSE;

  if (a != b)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, _ ("%s is %s, but %s is %s"), first,
                   _ (kinds[a].name), second, _ (kinds[b].name));
      return FALSE;
    }

  return kinds[a].diff (first, second, equal, error);
}

int
sng_command_diff (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gboolean equal = FALSE;

  if (!sng_cli_parse (
          "diff", _ ("A B"),
          _ ("Tells where A and B first differ, and by how much. They are two run directories, two\n"
             "directories or run stores (.db) of modes, two checkpoints, or two .safetensors files."),
          _ ("Exit codes: 0 they are equal, 1 they differ, 3 they could not be compared."), NULL, NULL, 2,
          &argc, &argv))
    return SNG_EXIT_ERROR;

  if (!diff (argv[1], argv[2], &equal, &error))
    return sng_cli_fail ("%s", error->message);

  return equal ? SNG_EXIT_PASS : SNG_EXIT_DIFFERENT;
}
