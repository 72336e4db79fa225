/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <math.h>
#include <string.h>

/* A training that is not the same twice, and what is found in it all the same. */

#define N_TERMS 64
#define FAULT_STEP 5

/* A sum of floats near 0.1 in an order of each run's own: it differs in its last places. */
static float
sum_in_order (SngMode mode, guint64 step, gint64 place)
{
  const guint strides[] = { 1, 5, 13, 29 };
  float sum = 0.0f;

  for (guint i = 0; i < N_TERMS; i++)
    {
      guint term = (i * strides[mode] + 7 * (guint) mode) % N_TERMS;

      sum += 0.003f / (float) (1 + (guint64) (place + 1) * step % 7 + term % 11);
    }

  return sum;
}

static void
record_sum (Fixture *fixture, SngMode mode, guint64 step, gint64 micro_batch, double fault)
{
  record (fixture, mode, "Loss", SNG_STAGE_TRAIN, step, micro_batch, "",
          g_variant_new_double ((double) sum_in_order (mode, step, micro_batch) + fault));
}

static void
record_sums (Fixture *fixture, SngMode mode, guint64 step, float fault)
{
  g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 2, 3, 0.0);
  float *elements = sng_tensor_get_data (tensor);

  for (gint64 i = 0; i < 6; i++)
    elements[i] = sum_in_order (mode, step + 10, i);
  elements[4] += fault;
  record_tensor (fixture, mode, step, tensor);
}

static gboolean
noisy (Fixture *fixture, SngMode mode, const char *metric, SngStage stage, guint64 step, gint64 micro_batch)
{
  if (strcmp (metric, "Loss") == 0)
    record_sum (fixture, mode, step, micro_batch, 0.0);
  else if (strcmp (metric, "Weights") == 0)
    record_sums (fixture, mode, step, 0.0f);

  return stage == SNG_STAGE_TRAIN;
}

static gboolean
noisy_and_wrong_loss (Fixture *fixture,
                      SngMode mode,
                      const char *metric,
                      SngStage stage,
                      guint64 step,
                      gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || step != FAULT_STEP || strcmp (metric, "Loss") != 0)
    return noisy (fixture, mode, metric, stage, step, micro_batch);

  record_sum (fixture, mode, step, micro_batch, 1e-4);
  return TRUE;
}

static gboolean
noisy_and_wrong_weight (Fixture *fixture,
                        SngMode mode,
                        const char *metric,
                        SngStage stage,
                        guint64 step,
                        gint64 micro_batch)
{
  if (mode != SNG_MODE_RESUME || step != FAULT_STEP || strcmp (metric, "Weights") != 0)
    return noisy (fixture, mode, metric, stage, step, micro_batch);

  record_sums (fixture, mode, step, 1e-4f);
  return TRUE;
}

static void
set_up (Fixture *fixture)
{
  fixture->has_repeat = TRUE;
  fixture->is_captured = TRUE;
  fixture->accepts_noise = TRUE;
}

/* The noise itself is as small as noise is, so that the faults below are what they are meant to be. */
static void
test_is_noise (Fixture *fixture, gconstpointer data)
{
  float largest = 0.0f;

  for (guint64 step = 1; step <= N_STEPS; step++)
    for (gint64 i = 0; i < 2; i++)
      largest = fmaxf (largest, fabsf (sum_in_order (SNG_MODE_REPEAT, step, i)
                                       - sum_in_order (SNG_MODE_CONTINUOUS, step, i)));

  g_assert_cmpfloat (largest, >, 1e-9f);
  g_assert_cmpfloat (largest, <, 1e-7f);
}

static void
test_pass (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  const char *const *notes;

  set_up (fixture);
  report = record_and_compare (fixture, noisy);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
  g_assert_cmpuint (sng_metric_result_get_compared (sng_report_lookup_metric (report, "Loss")), ==,
                    2 * N_STEPS);

  notes = sng_report_get_notes (report);
  g_assert_cmpuint (g_strv_length ((char **) notes), ==, 2);
  g_assert_true (g_str_has_prefix (notes[0], "Loss: noise "));
  g_assert_true (g_str_has_suffix (notes[0], " of \"\"; 10 times that is accepted, and nothing elsewhere"));
  g_assert_true (g_str_has_prefix (notes[1], "Weights: noise "));
  g_assert_cmpuint (g_list_model_get_n_items (sng_report_get_runs (report)), ==, 4);
}

static void
test_wrong_loss (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  set_up (fixture);
  report = record_and_compare (fixture, noisy_and_wrong_loss);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  first = assert_diverged (report, "Loss", FAULT_STEP, 0, SNG_MODE_RESUME);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "; the noise there is "));
}

static void
test_wrong_weight (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  set_up (fixture);
  report = record_and_compare (fixture, noisy_and_wrong_weight);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  first = assert_diverged (report, "Weights", FAULT_STEP, -1, SNG_MODE_RESUME);
  g_assert_true (g_str_has_prefix (sng_divergence_get_detail (first),
                                   "1 of 6 elements are beyond the tolerance, first [1, 1]"));
}

/* Without the tolerance it is what it is, and says how large the noise is. */
static void
test_nondeterministic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  set_up (fixture);
  fixture->accepts_noise = FALSE;
  report = record_and_compare (fixture, noisy);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_NONDETERMINISTIC);
  first = assert_diverged (report, "Weights", 0, -1, SNG_MODE_REPEAT);
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), " of 6 elements differ, first ["));
  g_assert_nonnull (strstr (sng_divergence_get_detail (first), "; difference at most "));
  g_assert_cmpuint (g_strv_length ((char **) sng_report_get_notes (report)), ==, 0);
}

static void
test_nondeterministic_fingerprints (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;
  SngDivergence *first;

  fixture->has_repeat = TRUE;
  report = record_and_compare (fixture, noisy);
  first = assert_diverged (report, "Weights", 0, -1, SNG_MODE_REPEAT);
  g_assert_true (
      g_str_has_suffix (sng_divergence_get_detail (first),
                        "; only fingerprints were recorded, the elements come from the drill-down"));
}

/* ---- How much is accepted ---- */

/* Losses that REPEAT has 2^-30 too large at step 2 and RESUME some times that at step 5, and beside them others that REPEAT has
 * without noise */
static double n_times;
static double beside;

static gboolean
exactly_noisy (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  double loss = 1.0 / (double) (G_GUINT64_CONSTANT (1) << step);
  double other = loss;

  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  if (mode == SNG_MODE_REPEAT && step == 2)
    loss += 0x1p-30;
  if (mode == SNG_MODE_RESUME && step == FAULT_STEP)
    {
      loss += n_times * 0x1p-30;
      other += beside;
    }

  record (fixture, mode, metric, stage, step, micro_batch, "noisy", g_variant_new_double (loss));
  record (fixture, mode, metric, stage, step, micro_batch, "exact", g_variant_new_double (other));
  return TRUE;
}

static const struct
{
  const char *name;
  double n_times;
  double beside;
  SngVerdict verdict;
  const char *path;
} amounts[] = {
  { "all", 10.0, 0.0, SNG_VERDICT_PASS, NULL },
  { "below", -10.0, 0.0, SNG_VERDICT_PASS, NULL },
  { "too-much", 10.0 + 0x1p-20, 0.0, SNG_VERDICT_DIVERGED, "noisy" },
  { "not-beside", 0.0, 0x1p-50, SNG_VERDICT_DIVERGED, "exact" },
};

static void
test_amount (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  n_times = amounts[i].n_times;
  beside = amounts[i].beside;
  report = record_and_compare (fixture, exactly_noisy);
  g_assert_cmpint (sng_report_get_verdict (report), ==, amounts[i].verdict);
  g_assert_cmpstr (
      sng_report_get_notes (report)[0], ==,
      "Loss: noise 9.313225746154785e-10 of \"noisy\"; 10 times that is accepted, and nothing elsewhere");
  if (amounts[i].path != NULL)
    g_assert_cmpstr (
        sng_divergence_get_path (assert_diverged (report, "Loss", FAULT_STEP, 0, SNG_MODE_RESUME)), ==,
        amounts[i].path);
}

/* There is nothing to measure without a repetition, and so nothing is accepted. */
static void
test_no_repeat (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  fixture->has_repeat = FALSE;
  n_times = 1.0;
  beside = 0.0;
  report = record_and_compare (fixture, exactly_noisy);
  assert_diverged (report, "Loss", FAULT_STEP, 0, SNG_MODE_RESUME);
}

/* A tolerance that somebody chose stands, also where it is smaller. */
static void
test_own_tolerance (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  fixture->atol = 0x1p-30;
  n_times = 2.0;
  beside = 0.0;
  report = record_and_compare (fixture, exactly_noisy);
  assert_diverged (report, "Loss", FAULT_STEP, 0, SNG_MODE_RESUME);
}

/* A resume is not blamed for what another run without a stop differs by. */
static void
test_own_tolerance_exceeded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  fixture->atol = 0x1p-31;
  n_times = 1.0;
  beside = 0.0;
  report = record_and_compare (fixture, exactly_noisy);
  assert_inconclusive (report, "Loss",
                       "the repeat run differs by more than the tolerance at step 2, train, micro-batch 0, "
                       "\"noisy\": expected 0.25 (0x3fd0000000000000), found 0.2500000009313226 "
                       "(0x3fd0000001000000); 16777216 ULP apart, difference 9.313225746154785e-10");
}

/* A sum of nothing has the sign of what came first. */
static gboolean
signs_of_zero (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  double loss = step == 1 ? 1.0 : mode == SNG_MODE_CONTINUOUS ? 0.0 : -0.0;

  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (loss));
  return TRUE;
}

static void
test_signs_of_zero (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  report = record_and_compare (fixture, signs_of_zero);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

static void
test_range (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  n_times = 9.0;
  beside = 0.0;
  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, exactly_noisy);
  record_run (fixture, SNG_MODE_REPEAT, 1, N_STEPS, exactly_noisy);
  record_run (fixture, SNG_MODE_RESUME, FAULT_STEP, FAULT_STEP, exactly_noisy);

  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  sng_comparison_set_repeat (comparison, fixture->stores[SNG_MODE_REPEAT]);
  sng_comparison_set_noise_tolerance (comparison, TRUE);
  sng_comparison_set_range (comparison, FAULT_STEP - 1, FAULT_STEP);
  report = sng_comparison_run (comparison, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_PASS);
}

/* ---- What no noise explains ---- */

static gboolean
other_integer (Fixture *fixture,
               SngMode mode,
               SngMode wrong,
               const char *metric,
               guint64 step,
               gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, SNG_STAGE_TRAIN, step, micro_batch, "",
          g_variant_new_uint64 (step + (mode == wrong && step == FAULT_STEP)));
  return TRUE;
}

static gboolean
other_integer_of_repeat (Fixture *fixture,
                         SngMode mode,
                         const char *metric,
                         SngStage stage,
                         guint64 step,
                         gint64 micro_batch)
{
  return other_integer (fixture, mode, SNG_MODE_REPEAT, metric, step, micro_batch);
}

static gboolean
other_integer_of_resume (Fixture *fixture,
                         SngMode mode,
                         const char *metric,
                         SngStage stage,
                         guint64 step,
                         gint64 micro_batch)
{
  return other_integer (fixture, mode, SNG_MODE_RESUME, metric, step, micro_batch);
}

static gboolean
nan_of_repeat (Fixture *fixture,
               SngMode mode,
               const char *metric,
               SngStage stage,
               guint64 step,
               gint64 micro_batch)
{
  if (mode != SNG_MODE_REPEAT || strcmp (metric, "Loss") != 0 || step != FAULT_STEP)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "", g_variant_new_double (NAN));
  return TRUE;
}

static gboolean
shape_of_repeat (Fixture *fixture,
                 SngMode mode,
                 const char *metric,
                 SngStage stage,
                 guint64 step,
                 gint64 micro_batch)
{
  g_autoptr (SngTensor) tensor = NULL;

  if (mode != SNG_MODE_REPEAT || strcmp (metric, "Weights") != 0 || step != FAULT_STEP)
    return FALSE;

  tensor = make_tensor (SNG_DTYPE_F32, 3, 2, (double) step + 1.0);
  record_tensor (fixture, mode, step, tensor);
  return TRUE;
}

/* One element is not a number in REPEAT; the others differ by noise. */
static gboolean
nan_element_of_repeat (Fixture *fixture,
                       SngMode mode,
                       const char *metric,
                       SngStage stage,
                       guint64 step,
                       gint64 micro_batch)
{
  if (mode != SNG_MODE_REPEAT || strcmp (metric, "Weights") != 0 || step != FAULT_STEP)
    return noisy (fixture, mode, metric, stage, step, micro_batch);

  record_sums (fixture, mode, step, NAN);
  return TRUE;
}

static gboolean
missing_in_repeat (Fixture *fixture,
                   SngMode mode,
                   const char *metric,
                   SngStage stage,
                   guint64 step,
                   gint64 micro_batch)
{
  return mode == SNG_MODE_REPEAT && strcmp (metric, "Loss") == 0 && step == FAULT_STEP;
}

static const struct
{
  const char *name;
  Fault fault;
  const char *metric;
  const char *start;
  const char *end;
} unexplained[] = {
  { "integer", other_integer_of_repeat, "Loss",
    "the repeat run differs by something else than noise at step 5, train, micro-batch 0: expected 5, found "
    "6; ",
    "differ by 1" },
  { "nan", nan_of_repeat, "Loss",
    "the repeat run differs by something else than noise at step 5, train, micro-batch 0: expected 0.2 ",
    "one is not a number" },
  { "nan-element", nan_element_of_repeat, "Weights",
    "the repeat run differs by something else than noise at step 5, train, \"w\": expected F32 [2, 3]",
    NULL },
  { "shape", shape_of_repeat, "Weights",
    "the repeat run differs by something else than noise at step 5, train, \"w\": expected F32 [2, 3]",
    "different shapes" },
  { "missing", missing_in_repeat, "Loss",
    "the repeat run differs by something else than noise at step 5, train, micro-batch 0: expected 0.2 ",
    "found (not recorded); the entry is missing" },
};

static void
assert_unexplained (SngReport *report, const char *metric, const char *start, const char *end)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);
  const char *reason = sng_metric_result_get_reason (result);

  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, SNG_VERDICT_INCONCLUSIVE);
  g_test_message ("%s", reason);
  g_assert_true (g_str_has_prefix (reason, start));
  if (end != NULL)
    g_assert_true (g_str_has_suffix (reason, end));
}

static void
test_unexplained (Fixture *fixture, gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  report = record_and_compare (fixture, unexplained[i].fault);
  assert_unexplained (report, unexplained[i].metric, unexplained[i].start, unexplained[i].end);
}

static void
test_not_captured (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  fixture->is_captured = FALSE;
  report = record_and_compare (fixture, noisy);
  assert_unexplained (report, "Weights",
                      "the repeat run differs by something else than noise at step 0, train, \"w\": ",
                      "the tensors were not captured, so the noise cannot be measured");
}

/* An integer of the resumed run is no noise either. */
static void
test_integer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  report = record_and_compare (fixture, other_integer_of_resume);
  assert_diverged (report, "Loss", FAULT_STEP, 0, SNG_MODE_RESUME);
}

/* Losses of 2^-28 and less, whose noise is 2^-30: ten times that would accept anything. */
static gboolean
mostly_noise (Fixture *fixture,
              SngMode mode,
              const char *metric,
              SngStage stage,
              guint64 step,
              gint64 micro_batch)
{
  if (strcmp (metric, "Loss") != 0)
    return FALSE;

  record (fixture, mode, metric, stage, step, micro_batch, "",
          g_variant_new_double (0x1p-27 / (double) step + (mode == SNG_MODE_REPEAT ? 0x1p-30 : 0.0)));
  return TRUE;
}

static void
test_mostly_noise (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngReport) report = NULL;

  set_up (fixture);
  report = record_and_compare (fixture, mostly_noise);
  assert_inconclusive (
      report, "Loss",
      "10 times the noise, 9.313225746154785e-09, is not smaller than the largest recorded value "
      "7.450580596923828e-09");
}

static void
add (const char *name, void (*function) (Fixture *, gconstpointer), gconstpointer data)
{
  g_autofree char *path = g_strconcat ("/sng/comparison-noise/", name, NULL);

  g_test_add (path, Fixture, data, fixture_set_up, function, fixture_tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("is-noise", test_is_noise, NULL);
  add ("pass", test_pass, NULL);
  add ("wrong-loss", test_wrong_loss, NULL);
  add ("wrong-weight", test_wrong_weight, NULL);
  add ("nondeterministic/captured", test_nondeterministic, NULL);
  add ("nondeterministic/fingerprints", test_nondeterministic_fingerprints, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++)
    {
      g_autofree char *name = g_strconcat ("amount/", amounts[i].name, NULL);

      add (name, test_amount, GSIZE_TO_POINTER (i));
    }
  add ("no-repeat", test_no_repeat, NULL);
  add ("own-tolerance/kept", test_own_tolerance, NULL);
  add ("own-tolerance/exceeded", test_own_tolerance_exceeded, NULL);
  add ("signs-of-zero", test_signs_of_zero, NULL);
  add ("range", test_range, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (unexplained); i++)
    {
      g_autofree char *name = g_strconcat ("unexplained/", unexplained[i].name, NULL);

      add (name, test_unexplained, GSIZE_TO_POINTER (i));
    }
  add ("not-captured", test_not_captured, NULL);
  add ("integer", test_integer, NULL);
  add ("mostly-noise", test_mostly_noise, NULL);

  return g_test_run ();
}
