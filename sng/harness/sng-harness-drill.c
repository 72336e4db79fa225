/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The drill-down: what was recorded of a tensor is its fingerprint, so that nobody knows which of its elements differ. The diverging
 * step is made once more on both sides, with that tensor captured whole. */

#include "harness/sng-program-private.h"

#include <string.h>

#include "compare/sng-diagnose-private.h"
#include "compare/sng-report-private.h"
#include "compare/sng-tensor-diff-private.h"
#include "record/sng-capture-private.h"
#include "record/sng-run-store-private.h"
#include "state/sng-checkpoint-private.h"

#define DIRECTORY "drill"

/* CONTINUOUS, and the run that differs from it. */
enum
{
  SIDE_CONTINUOUS,
  SIDE_OTHER,
  N_SIDES
};

struct _SngDrill
{
  SngReport *report;              /* NULL: not yet begun */
  SngMetadata *recorded[N_SIDES]; /* NULL: there is nothing to look at */
  char *names[N_SIDES];           /* of the runs that have them captured */
  gboolean is_shortened;          /* CONTINUOUS's was not made from its start */
};

gpointer
sng_drill_new (void)
{
  return g_new0 (SngDrill, 1);
}

static void
forget_place (SngDrill *self)
{
  for (guint i = 0; i < N_SIDES; i++)
    {
      g_clear_pointer (&self->recorded[i], sng_metadata_unref);
      g_clear_pointer (&self->names[i], g_free);
    }
}

void
sng_drill_free (gpointer data)
{
  SngDrill *self = data;

  forget_place (self);
  g_clear_object (&self->report);
  g_free (self);
}

gboolean
sng_drill_is_begun (SngDrill *self)
{
  return self->report != NULL;
}

/* ---- What is run once more ---- */

/* The newest checkpoint, of those that are still there, from which CONTINUOUS gets to the place; 0: none. The state that a step
 * leaves is recorded right after a restore as well, the rest of the step is not. */
static guint64
find_checkpoint (SngHarness *harness, SngRunStore *continuous, const SngMetadata *place)
{
  g_autoptr (GVariant) steps =
      sng_run_store_get_typed_info (continuous, "checkpoints", G_VARIANT_TYPE ("at"));
  gboolean is_state = place->stage == SNG_STAGE_TRAIN && place->micro_batch < 0;
  guint64 found = 0;

  if (steps == NULL)
    return 0;

  for (gsize i = 0; i < g_variant_n_children (steps); i++)
    {
      g_autofree char *name = NULL;
      g_autofree char *directory = NULL;
      g_autofree char *path = NULL;
      guint64 step;

      g_variant_get_child (steps, i, "t", &step);
      name = sng_checkpoint_step_to_name (step);
      directory = g_build_filename (sng_mode_to_string (SNG_MODE_CONTINUOUS), "checkpoints", name, NULL);
      path = sng_harness_dup_run_path (harness, directory);
      if (step > found && (is_state ? step <= place->step : step < place->step)
          && g_file_test (path, G_FILE_TEST_IS_DIR))
        found = step;
    }

  return found;
}

SngRun *
sng_drill_create_run (SngDrill *self, SngMode mode, const char *like)
{
  const SngMetadata *place = self->recorded[SIDE_CONTINUOUS];
  g_autofree char *name = g_build_filename (DIRECTORY, like, NULL);
  SngRun *run = sng_run_new (mode, name);

  run->is_left = TRUE;
  run->last_step = place->step;
  run->capture = g_strdup (place->metric);
  run->capture_path = g_strdup (place->path);
  run->capture_step = place->step;

  return run;
}

void
sng_drill_set_runs (SngDrill *self, const SngRun *continuous, const SngRun *other)
{
  const SngRun *const runs[N_SIDES] = { continuous, other };

  for (guint side = 0; side < N_SIDES; side++)
    {
      g_free (self->names[side]);
      self->names[side] = g_strdup (runs[side]->name);
    }
}

static SngRun *
create_continuous (SngDrill *self, guint64 checkpoint)
{
  const char *name = sng_mode_to_string (SNG_MODE_CONTINUOUS);
  SngRun *run = sng_drill_create_run (self, SNG_MODE_CONTINUOUS, name);

  self->is_shortened = checkpoint != 0;
  if (self->is_shortened)
    {
      run->source = g_build_filename (name, "checkpoints", NULL);
      run->source_step = checkpoint;
    }

  return run;
}

/* As the run that differs was made, from where it was made. */
static SngRun *
create_other (SngDrill *self, const SngRun *like)
{
  SngRun *run = sng_drill_create_run (self, like->mode, like->name);

  run->source = g_strdup (like->source);
  run->source_step = like->source_step;
  run->may_start_anew = like->may_start_anew;
  run->fault = g_strdup (like->fault);
  run->n_threads = like->n_threads;
  run->micro_batch_size = like->micro_batch_size;
  run->accumulate_grad_batches = like->accumulate_grad_batches;
  run->stress = like->stress;

  return run;
}

static gboolean
is_comparable (const SngMetadata *a, const SngMetadata *b)
{
  return a != NULL && b != NULL && a->value == NULL && b->value == NULL && a->dtype == b->dtype
         && a->n_dims == b->n_dims && memcmp (a->shape, b->shape, a->n_dims * sizeof *a->shape) == 0;
}

/* The run that differs first, with what both recorded there; NULL where elements cannot tell more. */
static const SngRun *
find_place (SngDrill *self, SngJudgedRuns *runs, GPtrArray *done, SngDivergence *first)
{
  SngRunStore *other = sng_divergence_get_mode (first) == SNG_MODE_REPEAT
                           ? runs->repeat
                           : sng_facts_find_run (first, runs->continuous, runs->segments);
  g_autoptr (GVariant) name =
      other != NULL ? sng_run_store_get_typed_info (other, "name", G_VARIANT_TYPE_STRING) : NULL;
  const SngRun *run = name != NULL ? sng_run_find (done, g_variant_get_string (name, NULL)) : NULL;

  if (run == NULL)
    return NULL;

  self->recorded[SIDE_CONTINUOUS] = sng_facts_find_entry (runs->continuous, first);
  self->recorded[SIDE_OTHER] = sng_facts_find_entry (other, first);
  if (!is_comparable (self->recorded[SIDE_CONTINUOUS], self->recorded[SIDE_OTHER]))
    {
      forget_place (self);
      return NULL;
    }

  return run;
}

const SngRun *
sng_drill_look (SngDrill *self, SngHarness *harness, SngReport *report, GPtrArray *done)
{
  g_auto (SngJudgedRuns) runs = { 0 };
  SngDivergence *first = sng_report_get_first_divergence (report);
  const SngRun *run;

  g_set_object (&self->report, report);
  if (!sng_harness_get_private (harness)->drill_down || first == NULL
      || !sng_judged_runs_open (&runs, harness, done, 0, NULL))
    return NULL;

  run = find_place (self, &runs, done, first);
  if (run == NULL)
    return NULL;

  /* Where a tolerance has them captured already nothing is run again. */
  if (self->recorded[SIDE_CONTINUOUS]->capture != NULL && self->recorded[SIDE_OTHER]->capture != NULL)
    {
      sng_drill_set_runs (self, sng_run_find (done, sng_mode_to_string (SNG_MODE_CONTINUOUS)), run);
      return NULL;
    }

  return run;
}

static gboolean
begin (SngDrill *self, SngHarness *harness, GPtrArray *done, GPtrArray *batch, GError **error)
{
  g_autoptr (SngReport) report = sng_harness_judge (harness, done, error);
  g_autofree char *path = sng_harness_dup_run_store_path (harness, sng_mode_to_string (SNG_MODE_CONTINUOUS));
  g_autoptr (SngRunStore) continuous = NULL;
  const SngRun *run;
  SngRun *others[N_SIDES];

  if (report == NULL)
    return FALSE;

  run = sng_drill_look (self, harness, report, done);
  if (run == NULL)
    return TRUE;

  continuous = sng_run_store_open (path, error);
  if (continuous == NULL)
    return FALSE;

  others[SIDE_CONTINUOUS] =
      create_continuous (self, run->mode == SNG_MODE_REPEAT
                                   ? 0
                                   : find_checkpoint (harness, continuous, self->recorded[SIDE_CONTINUOUS]));
  others[SIDE_OTHER] = create_other (self, run);
  sng_drill_set_runs (self, others[SIDE_CONTINUOUS], others[SIDE_OTHER]);
  for (guint side = 0; side < N_SIDES; side++)
    g_ptr_array_add (batch, others[side]);

  return TRUE;
}

/* ---- What came of it ---- */

/* The entry, captured; NULL where the run did not get there. */
static SngMetadata *
find_captured (SngDrill *self, SngHarness *harness, guint side)
{
  g_autofree char *path = sng_harness_dup_run_store_path (harness, self->names[side]);
  g_autoptr (SngRunStore) store = sng_run_store_open (path, NULL);
  g_autoptr (GPtrArray) entries = NULL;
  SngMetadata *entry;

  if (store == NULL)
    return NULL;

  entries = sng_facts_query (store, self->recorded[side]->metric, self->recorded[side]->stage,
                             self->recorded[side]->step);
  entry = sng_facts_lookup (entries, self->recorded[side]);

  return entry != NULL && entry->capture != NULL ? sng_metadata_ref (entry) : NULL;
}

static SngStateDict *
load_captured (SngDrill *self, SngHarness *harness, guint side, SngMetadata *entry, GError **error)
{
  g_autofree char *store = sng_harness_dup_run_store_path (harness, self->names[side]);
  g_autofree char *directory = g_path_get_dirname (store);

  return sng_capture_load (directory, entry, error);
}

gboolean
sng_drill_next (SngDrill *self, SngHarness *harness, GPtrArray *done, GPtrArray *batch, GError **error)
{
  g_autoptr (SngMetadata) captured = NULL;

  if (self->report == NULL)
    return begin (self, harness, done, batch, error);

  if (!self->is_shortened)
    return TRUE;

  /* what a checkpoint does not lead back to, the start does */
  captured = find_captured (self, harness, SIDE_CONTINUOUS);
  if (captured == NULL || !sng_metadata_equal (captured, self->recorded[SIDE_CONTINUOUS]))
    g_ptr_array_add (batch, create_continuous (self, 0));
  self->is_shortened = FALSE;

  return TRUE;
}

static void
compare_captured (SngDrill *self, SngHarness *harness, SngMetadata *entries[N_SIDES])
{
  const char *metric = entries[SIDE_CONTINUOUS]->metric;
  const char *path = entries[SIDE_CONTINUOUS]->path;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) first =
      load_captured (self, harness, SIDE_CONTINUOUS, entries[SIDE_CONTINUOUS], &error);
  g_autoptr (SngStateDict) second =
      first != NULL ? load_captured (self, harness, SIDE_OTHER, entries[SIDE_OTHER], &error) : NULL;
  g_autoptr (SngTensorDiff) diff = second != NULL
                                       ? sng_tensor_diff_new (*path != '\0' ? path : metric, first, second,
                                                              SNG_METADATA_CAPTURED_TENSOR, &error)
                                       : NULL;

  if (diff == NULL)
    sng_report_add_note (self->report, error->message);
  else if (sng_tensor_diff_get_kind (diff) != SNG_DIFF_EQUAL)
    sng_report_set_elements (self->report, diff);
}

SngReport *
sng_drill_finish (SngDrill *self, SngHarness *harness)
{
  SngMetadata *captured[N_SIDES] = { NULL };
  gboolean is_same = TRUE;

  if (self->names[SIDE_CONTINUOUS] == NULL)
    return g_object_ref (self->report);

  for (guint i = 0; i < N_SIDES; i++)
    {
      captured[i] = find_captured (self, harness, i);
      is_same &= captured[i] != NULL && sng_metadata_equal (captured[i], self->recorded[i]);
    }

  if (captured[SIDE_CONTINUOUS] != NULL && captured[SIDE_OTHER] != NULL)
    compare_captured (self, harness, captured);

  if (!is_same)
    sng_report_add_note (self->report,
                         sng_report_get_elements (self->report) != NULL
                             ? "the first divergence came out otherwise when it was looked at again: the "
                               "elements are those of the second time"
                             : "the first divergence did not come again when it was looked at");

  for (guint i = 0; i < N_SIDES; i++)
    g_clear_pointer (&captured[i], sng_metadata_unref);

  return g_object_ref (self->report);
}
