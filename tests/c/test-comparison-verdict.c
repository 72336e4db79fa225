/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <string.h>

/* When two runs count as equal, and when that says nothing. */

/* A loss that is off by 1e-7 of itself, and weights that are off by less than 1e-5 */
static gboolean
slightly_off (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    return FALSE;

  if (strcmp (metric, "Loss") == 0)
    {
      record (fixture, mode, metric, stage, step, micro_batch, "",
              g_variant_new_double ((1.0 + 1e-7) / (double) (step + (guint64) micro_batch)));
      return TRUE;
    }

  if (strcmp (metric, "Weights") == 0)
    {
      g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 2, 3, (double) step + 1.0);

      ((float *) sng_tensor_get_data (tensor))[5] += 5e-6f;
      record_tensor (fixture, mode, step, tensor);
      return TRUE;
    }

  return FALSE;
}

static void
test_tolerance (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-5;
  report = record_and_compare (fixture, slightly_off);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_tolerance_too_small (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  fixture->atol = 1e-6;
  report = record_and_compare (fixture, slightly_off);
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Loss")), ==,
                   SNG_VERDICT_PASS);
  first = assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "1 of 6 elements"));
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "first [1, 2]: 9 (0x41100000)"));
}

/* A tolerance cannot be applied to a tensor of which only the fingerprint is known. */
static void
test_not_captured (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, slightly_off);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, slightly_off);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, slightly_off);
  fixture->atol = 1e-5;
  report = compare (fixture);
  first = assert_diverged (report, "Weights", STOP_AT, -1, SNG_MODE_RESUME);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "not captured"));
}

static void
test_capture_is_gone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (1e-5, 0.0);
  g_autoptr (SngReport) report = NULL;
  g_autofree char *captures = g_build_filename (fixture->directory, "resume", "captures", NULL);

  fixture->atol = 1e-5;
  g_object_unref (record_and_compare (fixture, slightly_off));
  remove_all (captures);

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  sng_comparison_set_tolerance (comparison, "Weights", tolerance);
  report = sng_comparison_run (comparison, &error);
  g_assert_null (report);
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, captures));
}

static void
test_tolerance_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1.0;
  report = record_and_compare (fixture, NULL);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", "tolerance 1 is not smaller than the largest recorded value 1");
  g_assert_cmpint (sng_metric_result_get_verdict (sng_report_lookup_metric (report, "Weights")), ==,
                   SNG_VERDICT_PASS);
}

static void
test_tolerance_too_large_for_tensors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 12.0;
  report = record_and_compare (fixture, NULL);
  assert_inconclusive (report, "Weights", "tolerance 12 is not smaller than the largest recorded value 12");
}

/* A hook that alters nothing: it records a second path of the metric, whose values are as small as second moments are, and
 * a third of zeros, such as a bias that nothing has touched. */
static gboolean
further_paths (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (g_str_equal (metric, "Loss"))
    {
      record (fixture, mode, metric, stage, step, micro_batch, "moment", g_variant_new_double (1e-8));
      record (fixture, mode, metric, stage, step, micro_batch, "untouched", g_variant_new_double (0.0));
    }

  return FALSE;
}

static void
test_tolerance_too_large_for_a_path (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-4;
  report = record_and_compare (fixture, further_paths);
  assert_inconclusive (report, "Loss",
                       "tolerance 0.0001 is not smaller than the largest recorded value 1e-08 of \"moment\"; "
                       "so for 1 of 3 paths");
}

/* A learning rate that falls from 1e-4, judged by 1e-4: any other schedule would pass. */
static gboolean
small_loss (Fixture *fixture,
            SngMode mode,
            const char *metric,
            SngStage stage,
            guint64 step,
            gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "",
          g_variant_new_double (mode == SNG_MODE_RESUME ? 1e-4 : 1e-4 / (double) step));
  return TRUE;
}

static void
test_tolerance_of_learning_rate (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->atol = 1e-4;
  report = record_and_compare (fixture, small_loss);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss",
                       "tolerance 0.0001 is not smaller than the largest recorded value 0.0001");
}

static void
test_relative_tolerance_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  fixture->rtol = 1.0;
  report = record_and_compare (fixture, NULL);
  assert_inconclusive (report, "Loss",
                       "the relative tolerance 1 is not smaller than 1, so it accepts zero for any value");
}

static gboolean
constant_loss (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (strcmp (metric, "Loss") == 0)
    record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (0.5));

  return strcmp (metric, "Loss") == 0;
}

static void
test_never_changes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, constant_loss);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", "it never changed in 12 entries, and is expected to");
}

static void
test_may_stay (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  g_object_unref (record_and_compare (fixture, constant_loss));
  sng_run_store_declare_metric (fixture->stores[SNG_MODE_CONTINUOUS], "Loss", SNG_METRIC_NONE, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static gboolean
no_loss (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0;
}

static gboolean
no_loss_continuous (Fixture *fixture,
                    SngMode mode,
                    const char *metric,
                    SngStage stage,
                    guint64 step,
                    gint64 micro_batch)
{
  return mode == SNG_MODE_CONTINUOUS && strcmp (metric, "Loss") == 0;
}

static gboolean
only_loss_continuous (Fixture *fixture,
                      SngMode mode,
                      const char *metric,
                      SngStage stage,
                      guint64 step,
                      gint64 micro_batch)
{
  return mode != SNG_MODE_CONTINUOUS && strcmp (metric, "Loss") == 0;
}

static gboolean
no_loss_repeat (Fixture *fixture,
                SngMode mode,
                const char *metric,
                SngStage stage,
                guint64 step,
                gint64 micro_batch)
{
  return mode == SNG_MODE_REPEAT && strcmp (metric, "Loss") == 0;
}

static gboolean
one_loss (Fixture *fixture,
          SngMode mode,
          const char *metric,
          SngStage stage,
          guint64 step,
          gint64 micro_batch)
{
  return strcmp (metric, "Loss") == 0 && (step != 5 || micro_batch != 0);
}

static const struct
{
  const char *name;
  Fault fault;
  const char *reason;
} lacks[] = {
  { "nothing", no_loss, "nothing was recorded" },
  { "continuous", no_loss_continuous, "the continuous run recorded nothing of it" },
  { "interrupted", only_loss_continuous, "only the continuous run recorded anything of it" },
  { "repeat", no_loss_repeat, "the repeat run recorded nothing of it" },
  { "once", one_loss, "it was recorded only once, so it could not be seen to change" },
};

static void
test_lack (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngReport) report = NULL;

  fixture->has_repeat = lacks[i].fault == no_loss_repeat;
  report = record_and_compare (fixture, lacks[i].fault);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Loss", lacks[i].reason);
}

/* ---- A metric that one of the runs lacks ---- */

/* Beside each loss of the run, unless it is the one that lacks it. */
static void
record_beside (Fixture *fixture, SngMode mode, const char *metric, guint64 step, gint64 micro_batch)
{
  if (strcmp (metric, "Loss") == 0)
    record (fixture, mode, "Beside", SNG_STAGE_TRAIN, step, micro_batch, "", g_variant_new_uint64 (step));
}

static gboolean
not_in_stop (Fixture *fixture,
             SngMode mode,
             const char *metric,
             SngStage stage,
             guint64 step,
             gint64 micro_batch)
{
  if (mode != SNG_MODE_STOP)
    record_beside (fixture, mode, metric, step, micro_batch);

  return FALSE;
}

static gboolean
not_in_resume (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    record_beside (fixture, mode, metric, step, micro_batch);

  return FALSE;
}

/* STOP has wrong values of what RESUME lacks. */
static gboolean
not_in_resume_and_wrong (Fixture *fixture,
                         SngMode mode,
                         const char *metric,
                         SngStage stage,
                         guint64 step,
                         gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME)
    record_beside (fixture, mode, metric, mode == SNG_MODE_STOP && step == 2 ? 3 : step, micro_batch);

  return FALSE;
}

static void
test_unknown_to_one (Fixture *fixture, gconstpointer data)
{
  gboolean is_stop = GPOINTER_TO_INT (data);
  g_autoptr (SngReport) report = record_and_compare (fixture, is_stop ? not_in_stop : not_in_resume);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Beside",
                       is_stop ? "the stop run has no such metric" : "the resume run has no such metric");
}

/* What was seen to differ is not lost for it. */
static void
test_unknown_to_one_and_different (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, not_in_resume_and_wrong);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
}

/* Validations end with the stop, in all runs. */
static gboolean
early_validations (Fixture *fixture,
                   SngMode mode,
                   const char *metric,
                   SngStage stage,
                   guint64 step,
                   gint64 micro_batch)
{
  return stage == SNG_STAGE_VALIDATE && step > STOP_AT;
}

static gboolean
late_validations (Fixture *fixture,
                  SngMode mode,
                  const char *metric,
                  SngStage stage,
                  guint64 step,
                  gint64 micro_batch)
{
  return stage == SNG_STAGE_VALIDATE && step <= STOP_AT;
}

/* STOP cannot show that a resume is right. */
static void
test_only_before_stop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, early_validations);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "ValidLoss",
                       "the resume run recorded nothing of it, as nothing was due after the stop");
}

static void
test_only_after_stop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = record_and_compare (fixture, late_validations);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* Where the training had come to its end at the stop, there was nothing to go on with. */
static void
test_ends_at_stop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, STOP_AT, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, NULL);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, STOP_AT, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* ---- A run that recorded nothing ---- */

/* The stop came after the last step, so nothing was resumed. */
static void
test_empty_resume (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, NULL);
  record_run (fixture, SNG_MODE_STOP, 1, N_STEPS, NULL);
  report = compare (fixture);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  assert_inconclusive (report, "Weights", "the resume run recorded nothing at all");
}

static void
test_nothing_at_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = compare (fixture);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_metrics (report)), ==, 0);
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/comparison-verdict/", name, NULL);

  g_test_add (path, Fixture, data, fixture_set_up, function, fixture_tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("tolerance/accepts", test_tolerance, NULL);
  add ("tolerance/too-small", test_tolerance_too_small, NULL);
  add ("tolerance/not-captured", test_not_captured, NULL);
  add ("tolerance/capture-is-gone", test_capture_is_gone, NULL);
  add ("tolerance/too-large", test_tolerance_too_large, NULL);
  add ("tolerance/too-large-for-tensors", test_tolerance_too_large_for_tensors, NULL);
  add ("tolerance/too-large-for-a-path", test_tolerance_too_large_for_a_path, NULL);
  add ("tolerance/of-learning-rate", test_tolerance_of_learning_rate, NULL);
  add ("tolerance/relative-too-large", test_relative_tolerance_too_large, NULL);
  add ("never-changes", test_never_changes, NULL);
  add ("may-stay", test_may_stay, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (lacks); i++)
    {
      g_autofree char *name = g_strconcat ("lack/", lacks[i].name, NULL);

      add (name, test_lack, GSIZE_TO_POINTER (i));
    }
  add ("lack/unknown-to-stop", test_unknown_to_one, GINT_TO_POINTER (TRUE));
  add ("lack/unknown-to-resume", test_unknown_to_one, GINT_TO_POINTER (FALSE));
  add ("lack/unknown-and-different", test_unknown_to_one_and_different, NULL);
  add ("lack/only-before-stop", test_only_before_stop, NULL);
  add ("lack/only-after-stop", test_only_after_stop, NULL);
  add ("lack/ends-at-stop", test_ends_at_stop, NULL);
  add ("empty-resume", test_empty_resume, NULL);
  add ("nothing-at-all", test_nothing_at_all, NULL);

  return g_test_run ();
}
