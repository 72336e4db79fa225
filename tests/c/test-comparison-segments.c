/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <string.h>

#include "compare/sng-metric-result-private.h"

/* More than one stop, steps that are done twice, and segments that do only some of the steps. */

/* A kill in the midst of step 5: one micro-batch of it was recorded. */
static gboolean
killed (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  return step == 5 && micro_batch != 0;
}

/* The same, in a run that had gone wrong at that step. */
static gboolean
killed_and_wrong (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  if (step == 5 && micro_batch == 0)
    record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (7.0));

  return step == 5;
}

/* A micro-batch of step 5 that nobody records. */
static gboolean
loses_a_loss (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  return step == 5 && micro_batch == 1;
}

/* STOP until 3, a RESUME that is killed in step 5, and one that goes on from 4. */
static SngReport *
resume_twice (Fixture *fixture, Fault first, Fault second)
{
  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, NULL);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, 5, first);
  next_resume (fixture);
  record_run (fixture, SNG_MODE_RESUME, 5, N_STEPS, second);

  return compare (fixture);
}

static void
assert_steps (SngReport *report, const char *metric, const SngMetricStep *expected, guint n_steps)
{
  GArray *steps = sng_metric_result_get_steps (sng_report_lookup_metric (report, metric));

  g_assert_cmpuint (steps->len, ==, n_steps);
  for (guint i = 0; i < n_steps; i++)
    {
      const SngMetricStep *step = &g_array_index (steps, SngMetricStep, i);

      g_assert_cmpuint (step->step, ==, expected[i].step);
      g_assert_cmpuint (step->n_compared, ==, expected[i].n_compared);
      g_assert_cmpuint (step->n_different, ==, expected[i].n_different);
    }
}

static void
test_resumed_twice (Fixture *fixture, gconstpointer data)
{
  const SngMetricStep losses[] = { { 1, 2, 0 }, { 2, 2, 0 }, { 3, 2, 0 },
                                   { 4, 2, 0 }, { 5, 3, 0 }, { 6, 2, 0 } };
  const SngMetricStep weights[] = { { 0, 1, 0 }, { 1, 1, 0 }, { 2, 1, 0 }, { 3, 2, 0 },
                                    { 4, 2, 0 }, { 5, 1, 0 }, { 6, 1, 0 } };
  g_autoptr (SngReport) report = resume_twice (fixture, killed, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  assert_steps (report, "Loss", losses, G_N_ELEMENTS (losses));
  assert_steps (report, "Weights", weights, G_N_ELEMENTS (weights));
}

/* That the step was done again, and rightly, hides nothing. */
static void
test_repeated_step (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = resume_twice (fixture, killed_and_wrong, NULL);
  SngDivergence *first = assert_diverged (report, "Loss", 5, 0, SNG_MODE_RESUME);

  g_assert_cmpuint (sng_metric_result_get_n_different (sng_report_lookup_metric (report, "Loss")), ==, 1);
  g_assert_true (g_str_has_prefix (sng_divergence_get_actual (first), "7 "));
}

static void
test_lost_in_all (Fixture *fixture, gconstpointer data)
{
  const SngMetricStep losses[] = { { 1, 2, 0 }, { 2, 2, 0 }, { 3, 2, 0 },
                                   { 4, 2, 0 }, { 5, 2, 1 }, { 6, 2, 0 } };
  g_autoptr (SngReport) report = resume_twice (fixture, killed, loses_a_loss);

  assert_diverged (report, "Loss", 5, 1, SNG_MODE_RESUME);
  assert_steps (report, "Loss", losses, G_N_ELEMENTS (losses));
}

/* What no run has of the step in which STOP was killed, the RESUME lacks that did it once more. */
static void
test_lost_in_repetition (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, 5, killed);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, loses_a_loss);
  report = compare (fixture);
  assert_diverged (report, "Loss", 5, 1, SNG_MODE_RESUME);
}

/* A killed run goes on from wherever its last checkpoint is. */
/* What the killed run had recorded does not make up for what the one lacks that did the step once more. */
static void
test_lost_where_it_counts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, 5, NULL);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, loses_a_loss);
  report = compare (fixture);

  assert_diverged (report, "Loss", 5, 1, SNG_MODE_RESUME);
}

/* Nor for steps that the last run has not come to. */
static void
test_left_early (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, 5, NULL);
  report = compare (fixture);

  assert_diverged (report, "Loss", 6, 0, SNG_MODE_RESUME);
}

static void
test_far_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, 5, killed);
  record_run (fixture, SNG_MODE_RESUME, 2, N_STEPS, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "Loss")), ==, 19);
}

/* A RESUME that is killed before it has recorded anything changes nothing. */
static void
test_killed_at_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, NULL);
  next_resume (fixture);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* ---- A range ---- */

static SngReport *
compare_range (Fixture *fixture, guint64 first_step, guint64 last_step)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  SngReport *report;

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  sng_comparison_set_range (comparison, first_step, last_step);
  report = sng_comparison_run (comparison, &error);
  g_assert_no_error (error);

  return report;
}

/* One step on from a checkpoint of CONTINUOUS. */
static SngReport *
do_one_step (Fixture *fixture, guint64 checkpoint, Fault continuous, Fault resume)
{
  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, continuous);
  record_run (fixture, SNG_MODE_RESUME, checkpoint + 1, checkpoint + 1, resume);

  return compare_range (fixture, checkpoint, checkpoint + 1);
}

static void
test_range (Fixture *fixture, gconstpointer data)
{
  const SngMetricStep losses[] = { { 4, 2, 0 } };
  const SngMetricStep weights[] = { { 3, 1, 0 }, { 4, 1, 0 } };
  g_autoptr (SngReport) report = do_one_step (fixture, 3, NULL, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==, 3);
  assert_steps (report, "Loss", losses, 1);
  assert_steps (report, "Weights", weights, 2);
  assert_steps (report, "ValidLoss", losses, 1);
}

/* The validation after the checkpoint's step was before the checkpoint: the step after it has none. */
static void
test_range_without_validation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = do_one_step (fixture, 4, NULL, NULL);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==, 2);
  g_assert_null (sng_report_lookup_metric (report, "ValidLoss"));
}

/* Zeros in place of the weights, right after the restore */
static gboolean
wrong_restore (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  g_autoptr (SngTensor) tensor = NULL;

  if (step != STOP_AT || strcmp (metric, "Weights") != 0)
    return FALSE;

  tensor = make_tensor (SNG_DTYPE_F32, 2, 3, 0.0);
  record_tensor (fixture, mode, step, tensor);
  return TRUE;
}

static gboolean
no_loss (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0;
}

static gboolean
one_loss_less (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0 && micro_batch == 1;
}

static gboolean
no_validation (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  return stage == SNG_STAGE_VALIDATE;
}

/* Records a validation after every step. */
static gboolean
extra_validation (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  if (strcmp (metric, "Loss") == 0 && micro_batch == 1)
    record (fixture, mode, "ValidLoss", SNG_STAGE_VALIDATE, step, 0, "", g_variant_new_double (0.5));

  return FALSE;
}

static const struct
{
  const char *name;
  Fault fault;
  guint64 checkpoint;
  const char *metric;
  guint64 step;
  gint64 micro_batch;
} range_faults[] = {
  { "restored-state", wrong_restore, 3, "Weights", 3, -1 },
  { "no-loss", no_loss, 3, "Loss", 4, 0 },
  { "one-loss-less", one_loss_less, 3, "Loss", 4, 1 },
  { "no-validation", no_validation, 3, "ValidLoss", 4, 0 },
  { "extra-validation", extra_validation, 4, "ValidLoss", 5, 0 },
};

static void
test_range_fault (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngReport) report =
      do_one_step (fixture, range_faults[i].checkpoint, NULL, range_faults[i].fault);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  assert_diverged (report, range_faults[i].metric, range_faults[i].step, range_faults[i].micro_batch,
                   SNG_MODE_RESUME);
}

/* Two parameters of which only one is there right after the restore */
static gboolean
second_weight (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (strcmp (metric, "Weights") == 0 && !(mode == SNG_MODE_RESUME && step == STOP_AT))
    record (fixture, mode, "Weights", SNG_STAGE_TRAIN, step, -1, "v", g_variant_new_uint64 (step));

  return FALSE;
}

static void
test_range_restored_in_part (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = do_one_step (fixture, STOP_AT, second_weight, second_weight);
  SngDivergence *first = assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);

  g_assert_cmpstr (sng_divergence_get_path (first), ==, "v");
  g_assert_cmpstr (sng_divergence_get_actual (first), ==, "(not recorded)");
}

/* Nothing was restored: all steps are right, but they are others. */
static void
test_range_from_scratch (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_RESUME, 1, 1, NULL);
  report = compare_range (fixture, 3, 4);
  assert_diverged (report, "Loss", 4, 0, SNG_MODE_RESUME);
}

/* What lies outside is not looked at. */
static void
test_range_ends (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, loses_a_loss);
  report = compare_range (fixture, 3, 4);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* A loss that is the same from step 4 on, and one that always is. */
static gboolean
late_constant (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0 || step < 4)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (0.5));
  return TRUE;
}

static gboolean
always_constant (Fixture *fixture,
                 SngMode mode,
                 const char *metric,
                 SngStage stage,
                 guint64 step,
                 gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (0.5));
  return TRUE;
}

/* Whether a metric changes is told by the whole of CONTINUOUS. */
static void
test_range_late_constant (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = do_one_step (fixture, 4, late_constant, late_constant);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_range_constant (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = do_one_step (fixture, 4, always_constant, always_constant);

  assert_inconclusive (report, "Loss", "it never changed in 12 entries, and is expected to");
}

/* What is nowhere recorded is not passed over. */
static void
test_range_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = do_one_step (fixture, 4, no_loss, no_loss);

  assert_inconclusive (report, "Loss", "nothing was recorded");
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/comparison-segments/", name, NULL);

  g_test_add (path, Fixture, data, fixture_set_up, function, fixture_tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("resumed-twice", test_resumed_twice, NULL);
  add ("repeated-step", test_repeated_step, NULL);
  add ("lost/in-all", test_lost_in_all, NULL);
  add ("lost/in-repetition", test_lost_in_repetition, NULL);
  add ("lost/where-it-counts", test_lost_where_it_counts, NULL);
  add ("left-early", test_left_early, NULL);
  add ("far-back", test_far_back, NULL);
  add ("killed-at-once", test_killed_at_once, NULL);
  add ("range/one-step", test_range, NULL);
  add ("range/without-validation", test_range_without_validation, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (range_faults); i++)
    {
      g_autofree char *name = g_strconcat ("range/fault/", range_faults[i].name, NULL);

      add (name, test_range_fault, GSIZE_TO_POINTER (i));
    }
  add ("range/restored-in-part", test_range_restored_in_part, NULL);
  add ("range/from-scratch", test_range_from_scratch, NULL);
  add ("range/ends", test_range_ends, NULL);
  add ("range/late-constant", test_range_late_constant, NULL);
  add ("range/constant", test_range_constant, NULL);
  add ("range/nothing", test_range_nothing, NULL);

  return g_test_run ();
}
