/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "comparison-fixture.h"

#include <glib/gstdio.h>

static void
open_store (Fixture *fixture, SngMode mode, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_build_filename (fixture->directory, name, NULL);
  g_autofree char *path = g_build_filename (directory, "rank-00000.db", NULL);

  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  fixture->stores[mode] = sng_run_store_create (path, &error);
  g_assert_no_error (error);
  fixture->recorders[mode] = sng_recorder_new (fixture->stores[mode], 0);
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("sng-comparison-XXXXXX", NULL);
  fixture->earlier = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    open_store (fixture, mode, sng_mode_to_string (mode));
}

void
remove_all (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        remove_all (path);
      else
        g_unlink (path);
    }
  g_rmdir (directory);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    {
      g_object_unref (fixture->recorders[mode]);
      g_object_unref (fixture->stores[mode]);
    }
  g_ptr_array_unref (fixture->earlier);
  remove_all (fixture->directory);
  g_free (fixture->directory);
}

void
record (Fixture *fixture,
        SngMode mode,
        const char *metric,
        SngStage stage,
        guint64 step,
        gint64 micro_batch,
        const char *path,
        GVariant *value)
{
  g_autoptr (GError) error = NULL;

  sng_recorder_record_value (fixture->recorders[mode], metric, stage, step, micro_batch, path, value, &error);
  g_assert_no_error (error);
}

SngTensor *
make_tensor (SngDtype dtype, gint64 rows, gint64 columns, double seed)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (dtype, (gint64[]){ rows, columns }, 2, NULL, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < rows * columns; i++)
    {
      if (dtype == SNG_DTYPE_F32)
        ((float *) sng_tensor_get_data (tensor))[i] = (float) (seed + (double) i);
      else
        ((gint32 *) sng_tensor_get_data (tensor))[i] = (gint32) (seed * 100) + (gint32) i;
    }

  return tensor;
}

void
record_tensor (Fixture *fixture, SngMode mode, guint64 step, SngTensor *tensor)
{
  g_autoptr (GError) error = NULL;

  sng_recorder_record_tensor (fixture->recorders[mode], "Weights", SNG_STAGE_TRAIN, step, -1, "w", tensor,
                              &error);
  g_assert_no_error (error);
}

static void
record_state (Fixture *fixture, SngMode mode, guint64 step, Fault fault)
{
  if (fault == NULL || !fault (fixture, mode, "Weights", SNG_STAGE_TRAIN, step, -1))
    {
      g_autoptr (SngTensor) tensor = make_tensor (SNG_DTYPE_F32, 2, 3, (double) step + 1.0);

      record_tensor (fixture, mode, step, tensor);
    }
}

/* A run as the callbacks record it: state at the start and after each step, two micro-batches a step, and a validation
 * every second step. */
void
record_run (Fixture *fixture, SngMode mode, guint64 first_step, guint64 last_step, Fault fault)
{
  sng_run_store_declare_metric (fixture->stores[mode], "Loss", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "Weights", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "ValidLoss", SNG_METRIC_EXPECT_CHANGE, NULL);
  sng_run_store_declare_metric (fixture->stores[mode], "Start", SNG_METRIC_PER_RUN, NULL);
  record (fixture, mode, "Start", SNG_STAGE_TRAIN, first_step - 1, -1, "", g_variant_new_uint64 (first_step));
  record_state (fixture, mode, first_step - 1, fault);

  for (guint64 step = first_step; step <= last_step; step++)
    {
      for (gint64 i = 0; i < 2; i++)
        if (fault == NULL || !fault (fixture, mode, "Loss", SNG_STAGE_TRAIN, step, i))
          record (fixture, mode, "Loss", SNG_STAGE_TRAIN, step, i, "",
                  g_variant_new_double (1.0 / (double) (step + (guint64) i)));
      record_state (fixture, mode, step, fault);
      for (gint64 i = 0; i < 2 && step % 2 == 0; i++)
        if (fault == NULL || !fault (fixture, mode, "ValidLoss", SNG_STAGE_VALIDATE, step, i))
          record (fixture, mode, "ValidLoss", SNG_STAGE_VALIDATE, step, i, "",
                  g_variant_new_double (2.0 / (double) (step + (guint64) i)));
      sng_recorder_finish_step (fixture->recorders[mode], NULL);
    }
}

void
next_resume (Fixture *fixture)
{
  g_autofree char *name = g_strdup_printf ("resume-%u", fixture->earlier->len);

  g_ptr_array_add (fixture->earlier, fixture->stores[SNG_MODE_RESUME]);
  g_object_unref (fixture->recorders[SNG_MODE_RESUME]);
  open_store (fixture, SNG_MODE_RESUME, name);
}

SngReport *
compare (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngComparison) comparison = sng_comparison_new (fixture->stores[SNG_MODE_CONTINUOUS]);
  g_autoptr (SngTolerance) tolerance = sng_tolerance_new (fixture->atol, fixture->rtol);
  SngReport *report;

  sng_comparison_add_segment (comparison, SNG_MODE_STOP, fixture->stores[SNG_MODE_STOP]);
  for (guint i = 0; i < fixture->earlier->len; i++)
    sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->earlier->pdata[i]);
  sng_comparison_add_segment (comparison, SNG_MODE_RESUME, fixture->stores[SNG_MODE_RESUME]);
  if (fixture->has_repeat)
    sng_comparison_set_repeat (comparison, fixture->stores[SNG_MODE_REPEAT]);
  sng_comparison_set_noise_tolerance (comparison, fixture->accepts_noise);
  sng_comparison_set_tolerance (comparison, "Loss", tolerance);
  sng_comparison_set_tolerance (comparison, "Weights", tolerance);
  report = sng_comparison_run (comparison, &error);
  g_assert_no_error (error);

  return report;
}

SngReport *
record_and_compare (Fixture *fixture, Fault fault)
{
  for (guint mode = SNG_MODE_STOP; mode <= SNG_MODE_REPEAT; mode++)
    if (fixture->is_captured || fixture->atol + fixture->rtol > 0.0)
      sng_recorder_set_capture (fixture->recorders[mode], "Weights", TRUE);

  record_run (fixture, SNG_MODE_CONTINUOUS, 1, N_STEPS, fault);
  record_run (fixture, SNG_MODE_STOP, 1, STOP_AT, fault);
  record_run (fixture, SNG_MODE_RESUME, STOP_AT + 1, N_STEPS, fault);
  if (fixture->has_repeat)
    record_run (fixture, SNG_MODE_REPEAT, 1, N_STEPS, fault);

  return compare (fixture);
}

SngDivergence *
assert_diverged (SngReport *report, const char *metric, guint64 step, gint64 micro_batch, SngMode mode)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);
  SngDivergence *first = sng_report_get_first_divergence (report);

  g_assert_nonnull (result);
  g_assert_cmpint (sng_report_get_verdict (report), ==, sng_metric_result_get_verdict (result));
  g_assert_true (first == sng_metric_result_get_first_divergence (result));
  g_assert_cmpuint (sng_metric_result_get_n_different (result), >, 0);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, metric);
  g_assert_cmpuint (sng_divergence_get_step (first), ==, step);
  g_assert_cmpint (sng_divergence_get_micro_batch (first), ==, micro_batch);
  g_assert_cmpint (sng_divergence_get_mode (first), ==, mode);

  return first;
}

void
assert_inconclusive (SngReport *report, const char *metric, const char *reason)
{
  SngMetricResult *result = sng_report_lookup_metric (report, metric);

  g_assert_nonnull (result);
  g_assert_cmpint (sng_metric_result_get_verdict (result), ==, SNG_VERDICT_INCONCLUSIVE);
  g_assert_cmpstr (sng_metric_result_get_reason (result), ==, reason);
  g_assert_null (sng_metric_result_get_first_divergence (result));
}
