/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The files that a training leaves: where they are, which of them are compared, and how. What is in them is recorded in a store like
 * that of a run, so that it is compared and reported like anything else. */

#include "harness/sng-command-harness-private.h"

#include <fnmatch.h>
#include <string.h>

#include "compare/sng-metric-result-private.h"
#include "compare/sng-report-private.h"
#include "compare/sng-tensor-diff-private.h"
#include "record/sng-capture-private.h"
#include "record/sng-file-records-private.h"
#include "record/sng-metadata-private.h"
#include "record/sng-recorder-private.h"
#include "sng-error.h"
#include "state/sng-state-io-private.h"

#define WILDCARDS "*?["

/* The metric that has the names of the files. */
#define FILES_METRIC "Files"

/* ---- Where they are ---- */

/* The directory that a pattern leads to in any case; NULL where it begins with the place of the checkpoint directory. */
static char *
dup_fixed_directory (const char *pattern)
{
  g_autofree char *fixed = NULL;

  if (g_str_has_prefix (pattern, SNG_CHECKPOINT_DIR_PLACE))
    return NULL;

  fixed = g_strndup (pattern, strcspn (pattern, WILDCARDS));

  return g_path_get_dirname (fixed);
}

/* The pattern below the checkpoint directory @path; NULL where it leads elsewhere. */
static char *
dup_relative_pattern (const char *pattern, const char *path)
{
  g_autofree char *absolute = g_str_has_prefix (pattern, SNG_CHECKPOINT_DIR_PLACE)
                                  ? g_strconcat (path, pattern + strlen (SNG_CHECKPOINT_DIR_PLACE), NULL)
                                  : g_canonicalize_filename (pattern, NULL);
  gsize length = strlen (path);

  if (!g_str_has_prefix (absolute, path) || absolute[length] != '/' || absolute[length + 1] == '\0')
    return NULL;

  return g_strdup (absolute + length + 1);
}

gboolean
sng_command_find_checkpoints (SngCommandHarness *self, GError **error)
{
  g_autofree char *path = NULL;
  g_autofree char *current = g_get_current_dir ();

  g_clear_pointer (&self->directory, g_free);

  if (self->checkpoint_dir != NULL)
    self->directory = g_canonicalize_filename (self->checkpoint_dir, NULL);
  else if (self->compare != NULL && self->compare[0] != NULL)
    {
      g_autofree char *fixed = dup_fixed_directory (self->compare[0]);

      self->directory = fixed != NULL ? g_canonicalize_filename (fixed, NULL) : NULL;
    }

  if (g_strcmp0 (self->directory, current) == 0 || g_strcmp0 (self->directory, "/") == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[command][settings] the checkpoint-dir would be %s: let the command write to a directory "
                   "of its own, "
                   "of which everything can be removed between two trainings",
                   self->directory);
      return FALSE;
    }

  path = sng_command_harness_dup_checkpoint_path (self);
  for (guint i = 0; self->compare != NULL && self->compare[i] != NULL; i++)
    {
      g_autofree char *pattern = dup_relative_pattern (self->compare[i], path);

      if (pattern != NULL)
        continue;

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[command][settings] compare: %s is not below the checkpoint-dir %s", self->compare[i],
                   self->directory != NULL ? self->directory : SNG_CHECKPOINT_DIR_PLACE);
      return FALSE;
    }

  return TRUE;
}

/* ---- Once a training is over ---- */

static char *
dup_kept_path (SngCommandHarness *self, const SngRun *run)
{
  g_autofree char *directory = sng_harness_dup_run_path (SNG_HARNESS (self), run->name);

  return g_build_filename (directory, "checkpoints", NULL);
}

static gboolean
empty_directory (const char *path, GError **error)
{
  g_auto (GStrv) names = NULL;

  if (!sng_state_io_exists (path))
    return TRUE;

  names = sng_state_io_list (path, error);
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *child = g_build_filename (path, names[i], NULL);

      if (!sng_state_io_remove (sng_storage_get_posix (), child, error))
        return FALSE;
    }

  return names != NULL;
}

/* A directory that the command has a name for was empty when the check began, and is the command's own to make. */
gboolean
sng_command_clear_checkpoints (SngCommandHarness *self, GError **error)
{
  g_autofree char *path = sng_command_harness_dup_checkpoint_path (self);

  return self->directory != NULL ? empty_directory (path, error)
                                 : sng_state_io_remove (sng_storage_get_posix (), path, error);
}

/* A directory that the user has named stays, and is as empty as it was. */
static gboolean
move_away (SngCommandHarness *self, const char *to, GError **error)
{
  SngStorage *storage = sng_storage_get_posix ();
  g_autofree char *from = sng_command_harness_dup_checkpoint_path (self);

  if (!sng_state_io_exists (from))
    return TRUE;

  if (self->directory == NULL)
    return sng_state_io_rename (storage, from, to, error);

  return sng_state_io_link_tree (storage, from, to, error) && empty_directory (from, error);
}

/* In a pattern with "**" a star stands for any number of directories. */
static gboolean
matches (SngCommandHarness *self, const char *name)
{
  g_autofree char *path = sng_command_harness_dup_checkpoint_path (self);

  for (guint i = 0; self->compare[i] != NULL; i++)
    {
      g_autofree char *pattern = dup_relative_pattern (self->compare[i], path);
      int flags = strstr (pattern, "**") != NULL ? 0 : FNM_PATHNAME;

      if (fnmatch (pattern, name, flags | FNM_PERIOD) == 0)
        return TRUE;
    }

  return FALSE;
}

/* Adds the names of the files below @directory that are to be compared, in the order of their bytes. */
static gboolean
find_files (SngCommandHarness *self,
            const char *directory,
            const char *prefix,
            GPtrArray *found,
            GError **error)
{
  g_auto (GStrv) names = NULL;

  if (!sng_state_io_exists (directory))
    return TRUE;

  names = sng_state_io_list (directory, error);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (directory, names[i], NULL);
      g_autofree char *name =
          *prefix != '\0' ? g_build_filename (prefix, names[i], NULL) : g_strdup (names[i]);

      if (sng_state_io_is_directory (path) && !sng_state_io_is_link (path))
        {
          if (!find_files (self, path, name, found, error))
            return FALSE;
        }
      else if (matches (self, name))
        g_ptr_array_add (found, g_steal_pointer (&name));
    }

  return names != NULL;
}

static char *
dup_store_path (SngCommandHarness *self, const SngRun *run, const char *name)
{
  g_autofree char *directory = sng_harness_dup_run_path (SNG_HARNESS (self), run->name);

  return g_build_filename (directory, name, NULL);
}

/* The step that the files belong to: they are the training's results. */
static guint64
get_step (SngCommandHarness *self)
{
  return MAX (self->last_step, 1);
}

static gboolean
record_file (SngCommandHarness *self,
             SngRecorder *recorder,
             const char *directory,
             const char *name,
             GError **error)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  return sng_run_store_declare_metric (sng_recorder_get_store (recorder), valid, SNG_METRIC_NONE, error)
         && sng_recorder_record_value (recorder, FILES_METRIC, SNG_STAGE_TRAIN, get_step (self), -1, valid,
                                       g_variant_new_boolean (TRUE), error)
         && sng_recorder_record_file (recorder, valid, get_step (self), path, error);
}

static gboolean
record_files (SngCommandHarness *self, const SngRun *run, const char *directory, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = dup_store_path (self, run, "files.db");
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (SngRecorder) recorder = NULL;

  if (!find_files (self, directory, "", names, error))
    return FALSE;

  if (names->len == 0 && run->mode == SNG_MODE_CONTINUOUS)
    {
      g_autofree char *patterns = g_strjoinv (", ", self->compare);

      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_RECORDED,
                   "the command ended well, but left no file that is to be compared: %s", patterns);
      return FALSE;
    }

  store = sng_run_store_create (path, error);
  if (store == NULL || !sng_run_store_set_info (store, "name", g_variant_new_string (run->name), error)
      || !sng_run_store_set_info (store, "mode", g_variant_new_string (sng_mode_to_string (run->mode)), error)
      || !sng_run_store_declare_metric (store, FILES_METRIC, SNG_METRIC_NONE, error))
    return FALSE;

  recorder = sng_recorder_new (store, 0);
  for (guint i = 0; i < names->len; i++)
    if (!record_file (self, recorder, directory, g_ptr_array_index (names, i), error))
      return FALSE;

  return sng_run_store_close (store, error);
}

gboolean
sng_command_note_stop (SngCommandHarness *self, const SngRun *run, GError **error)
{
  g_autofree char *directory = sng_command_harness_dup_checkpoint_path (self);

  return self->compare == NULL || !run->is_interrupted || record_files (self, run, directory, error);
}

gboolean
sng_command_take_results (SngCommandHarness *self, const SngRun *run, GError **error)
{
  g_autofree char *kept = dup_kept_path (self, run);

  return move_away (self, kept, error) && (self->compare == NULL || record_files (self, run, kept, error));
}

/* ---- The judgement ---- */

/* The stores of what is compared: of CONTINUOUS, of REPEAT, and of the training that was interrupted. */
typedef struct
{
  const SngRun *runs[SNG_N_MODES];
  SngRunStore *stores[SNG_N_MODES];
} Stores;

static void
stores_clear (Stores *stores)
{
  for (guint i = 0; i < SNG_N_MODES; i++)
    g_clear_object (&stores->stores[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stores, stores_clear)

static gboolean
open_stores (SngCommandHarness *self, GPtrArray *done, Stores *stores, GError **error)
{
  for (guint i = 0; i < done->len; i++)
    {
      const SngRun *run = g_ptr_array_index (done, i);

      if (run->mode != SNG_MODE_RESUME || !run->is_interrupted)
        stores->runs[run->mode] = run;
    }

  for (guint mode = 0; mode < SNG_N_MODES; mode++)
    {
      g_autofree char *path =
          stores->runs[mode] != NULL ? dup_store_path (self, stores->runs[mode], "files.db") : NULL;

      if (path != NULL && (stores->stores[mode] = sng_run_store_open (path, error)) == NULL)
        return FALSE;
    }

  return TRUE;
}

/* The tensor of a file, once more and whole. */
static SngStateDict *
load_whole (SngCommandHarness *self, const SngRun *run, SngDivergence *divergence, GError **error)
{
  const char *name = sng_divergence_get_metric (divergence);
  g_autofree char *directory = dup_kept_path (self, run);
  g_autofree char *file = g_build_filename (directory, name, NULL);
  g_autofree char *path = dup_store_path (self, run, "files-whole.db");
  g_autofree char *run_directory = g_path_get_dirname (path);
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (SngRecorder) recorder = NULL;
  g_autoptr (GPtrArray) entries = NULL;

  if (!sng_state_io_remove (sng_storage_get_posix (), path, error))
    return NULL;

  store = sng_run_store_create (path, error);
  if (store == NULL)
    return NULL;

  recorder = sng_recorder_new (store, 0);
  sng_recorder_capture_place (recorder, name, sng_divergence_get_path (divergence), get_step (self));
  if (!sng_recorder_record_file (recorder, name, get_step (self), file, error)
      || (entries = sng_run_store_query (store, name, 0, G_MAXUINT64, error)) == NULL)
    return NULL;

  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);

      if (sng_metadata_get_capture (entry) != NULL)
        return sng_capture_load (run_directory, entry, error);
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[command][files] %s: there is no such tensor in it",
               file);

  return NULL;
}

/* Which elements differ, where the first difference is one of a tensor that both have. */
static void
look_closer (SngCommandHarness *self, const Stores *stores, SngReport *report)
{
  SngDivergence *first = sng_report_get_first_divergence (report);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) expected = NULL;
  g_autoptr (SngStateDict) found = NULL;
  g_autoptr (SngTensorDiff) diff = NULL;
  SngMode other;

  if (first == NULL || g_str_equal (sng_divergence_get_metric (first), FILES_METRIC))
    return;

  other = sng_report_get_verdict (report) == SNG_VERDICT_NONDETERMINISTIC ? SNG_MODE_REPEAT : SNG_MODE_RESUME;
  expected = load_whole (self, stores->runs[SNG_MODE_CONTINUOUS], first, &error);
  found = expected != NULL ? load_whole (self, stores->runs[other], first, &error) : NULL;
  if (found != NULL)
    diff = sng_tensor_diff_new (*sng_divergence_get_path (first) != '\0' ? sng_divergence_get_path (first)
                                                                         : sng_divergence_get_metric (first),
                                expected, found, SNG_METADATA_CAPTURED_TENSOR, &error);

  /* Of a value there is nothing more to be seen. */
  if (diff != NULL && sng_tensor_diff_get_kind (diff) != SNG_DIFF_EQUAL)
    sng_report_set_elements (report, diff);
}

/* Where STOP had left the results already, the resume had nothing to do. */
static gboolean
judge_stop (const Stores *stores, SngReport *report, GError **error)
{
  g_autoptr (SngComparison) comparison = sng_comparison_new (stores->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngReport) stop = NULL;

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, stores->stores[SNG_MODE_STOP]);
  stop = sng_comparison_run (comparison, error);
  if (stop == NULL || sng_report_get_verdict (stop) != SNG_VERDICT_PASS)
    return stop != NULL;

  sng_harness_take_result (
      report, sng_metric_result_new (SNG_STOPS, SNG_VERDICT_INCONCLUSIVE, 1, 0, NULL,
                                     "what STOP left is what CONTINUOUS left: nothing was left to resume"));

  return TRUE;
}

SngReport *
sng_command_judge_files (SngCommandHarness *self, GPtrArray *done, GError **error)
{
  g_auto (Stores) stores = { 0 };
  g_autoptr (SngComparison) comparison = NULL;
  g_autoptr (SngReport) report = NULL;

  if (self->compare == NULL)
    return NULL;

  if (!open_stores (self, done, &stores, error))
    return NULL;

  comparison = sng_comparison_new (stores.stores[SNG_MODE_CONTINUOUS]);
  sng_comparison_set_repeat (comparison, stores.stores[SNG_MODE_REPEAT]);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, stores.stores[SNG_MODE_RESUME]);
  report = sng_comparison_run (comparison, error);
  if (report == NULL
      || (self->last_step == 0 && stores.stores[SNG_MODE_STOP] != NULL
          && !judge_stop (&stores, report, error)))
    return NULL;
  look_closer (self, &stores, report);

  return g_steal_pointer (&report);
}
