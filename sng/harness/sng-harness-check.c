/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "compare/sng-coverage-private.h"
#include "sng-error.h"

void
sng_harness_add_warning (SngHarness *self, const char *warning)
{
  g_ptr_array_add (sng_harness_get_private (self)->warnings, g_strdup (warning));
}

/**
 * sng_harness_dup_warnings:
 * @self: a harness
 *
 * What the last run noticed without failing, such as a damaged checkpoint that was passed over for an
 * older one.
 *
 * Returns: (transfer full): one line for each
 *
 * Since: 1.0
 */
char **
sng_harness_dup_warnings (SngHarness *self)
{
  SngHarnessPrivate *priv;
  char **warnings;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);

  priv = sng_harness_get_private (self);
  warnings = g_new0 (char *, priv->warnings->len + 1);
  for (guint i = 0; i < priv->warnings->len; i++)
    warnings[i] = g_strdup (g_ptr_array_index (priv->warnings, i));

  return warnings;
}

/**
 * sng_harness_get_report:
 * @self: a harness
 *
 * The report of the last call that makes one, such as [method@Sng.Harness.run_stop_and_go] or
 * [method@Sng.Harness.run_sweep].
 *
 * Returns: (transfer none) (nullable): the report; %NULL before the first one and after one that failed
 *
 * Since: 1.0
 */
SngReport *
sng_harness_get_report (SngHarness *self)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);

  return sng_harness_get_private (self)->report;
}

static SngCallback *
find_callback (GPtrArray *callbacks, GType type)
{
  for (guint i = 0; callbacks != NULL && i < callbacks->len; i++)
    {
      if (g_type_is_a (G_OBJECT_TYPE (g_ptr_array_index (callbacks, i)), type))
        return g_ptr_array_index (callbacks, i);
    }

  return NULL;
}

/**
 * sng_harness_get_callback:
 * @self: a harness
 * @mode: a mode
 * @type: the type of a callback
 *
 * Looks up a callback by its type.
 *
 * Where @mode has run in this process, it is the very callback that listened to it. Otherwise the
 * one that did is gone with its process, and the result is one of the same type that is attached to nothing: its
 * [method@Sng.Callback.get_metric] leads to what was recorded, by [method@Sng.Harness.get_metadata].
 *
 * Returns: (transfer none) (nullable): the callback; %NULL where the harness has none of the type
 *
 * Since: 1.0
 */
SngCallback *
sng_harness_get_callback (SngHarness *self, SngMode mode, GType type)
{
  SngHarnessPrivate *priv;
  g_autoptr (GError) error = NULL;
  SngCallback *callback;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail ((guint) mode < SNG_N_MODES, NULL);

  priv = sng_harness_get_private (self);
  callback = find_callback (priv->callbacks[mode], type);

  return callback != NULL ? callback : find_callback (sng_harness_get_known_callbacks (self, &error), type);
}

/**
 * sng_harness_get_metadata:
 * @self: a harness
 * @mode: a mode that has run
 * @metric: the name of a metric
 * @error: return location for a #GError
 *
 * Reads what a mode has recorded of a metric, wherever the mode has run.
 *
 * Returns: (transfer container) (element-type SngMetadata): the entries, in the order of recording
 *
 * Since: 1.0
 */
GPtrArray *
sng_harness_get_metadata (SngHarness *self, SngMode mode, const char *metric, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr (SngRunStore) store = NULL;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail ((guint) mode < SNG_N_MODES, NULL);
  g_return_val_if_fail (metric != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (sng_harness_get_run_directory (self) == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[harness][metadata] the mode %s has not run",
                   sng_mode_to_string (mode));
      return NULL;
    }

  path = sng_harness_dup_store_path (self, mode);
  store = sng_run_store_open (path, error);

  return store != NULL ? sng_run_store_query (store, metric, 0, G_MAXUINT64, error) : NULL;
}

/* What a result has to say about a run that it does not let pass, in one line. */
static char *
describe_failure (SngMetricResult *result)
{
  SngDivergence *divergence = sng_metric_result_get_first_divergence (result);
  g_autofree char *text = NULL;

  if (divergence == NULL)
    return g_strdup_printf ("[harness][check] %s: %s: %s", sng_metric_result_get_name (result),
                            sng_verdict_to_string (sng_metric_result_get_verdict (result)),
                            sng_metric_result_get_reason (result));

  text = sng_divergence_to_string (divergence);
  g_strdelimit (text, "\n", ' ');

  return g_strdup_printf ("[harness][check] %s", text);
}

/* Whether a training of the harness may have the metric. */
static gboolean
is_known (SngHarness *self, const char *metric)
{
  GPtrArray *callbacks = sng_harness_get_known_callbacks (self, NULL);

  for (guint i = 0; callbacks != NULL && i < callbacks->len; i++)
    if (g_str_equal (sng_callback_get_metric (g_ptr_array_index (callbacks, i)), metric))
      return TRUE;

  return g_str_equal (metric, SNG_COVERAGE_METRIC);
}

/* Why the report says nothing of a metric. */
static void
set_lack (SngHarness *self, const char *metric, GError **error)
{
  if (sng_harness_get_private (self)->report == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
                   "[harness][check] %s: there is no report of a stop-and-go", metric);
      return;
    }

  if (is_known (self, metric))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[harness][check] %s: does not apply to this training", metric);
      return;
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[harness][check] %s: the report has no such metric",
               metric);
}

/**
 * sng_harness_check_metric:
 * @self: a harness
 * @metric: the name of a metric
 * @error: return location for a #GError
 *
 * Whether the report of the last stop-and-go lets one metric pass. For test suites, which want one
 * result for each.
 *
 * Returns: %TRUE where it does. Otherwise @error is %SNG_ERROR_MISMATCH with the first divergence as its message where
 *   the metric diverged, %SNG_ERROR_FAILED where it could not be judged (inconclusive or
 *   nondeterministic), %SNG_ERROR_NOT_SUPPORTED where it does not apply to this training, such as that of a scheduler to one
 *   without, and %SNG_ERROR_NOT_FOUND where there is no report or no such metric.
 *
 * Since: 1.0
 */
gboolean
sng_harness_check_metric (SngHarness *self, const char *metric, GError **error)
{
  SngReport *report;
  SngMetricResult *result;
  SngVerdict verdict;
  g_autofree char *message = NULL;

  g_return_val_if_fail (SNG_IS_HARNESS (self), FALSE);
  g_return_val_if_fail (metric != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  report = sng_harness_get_private (self)->report;
  result = report != NULL ? sng_report_lookup_metric (report, metric) : NULL;

  if (result == NULL)
    {
      set_lack (self, metric, error);
      return FALSE;
    }

  verdict = sng_metric_result_get_verdict (result);
  if (verdict == SNG_VERDICT_PASS)
    return TRUE;

  message = describe_failure (result);
  g_set_error_literal (error, SNG_ERROR,
                       verdict == SNG_VERDICT_DIVERGED ? SNG_ERROR_MISMATCH : SNG_ERROR_FAILED, message);

  return FALSE;
}

/**
 * sng_harness_check_consistency:
 * @self: a harness
 * @callback_type: the type of a callback
 * @error: return location for a #GError
 *
 * Whether the report of the last stop-and-go lets the metric of a callback pass; see
 * [method@Sng.Harness.check_metric].
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
sng_harness_check_consistency (SngHarness *self, GType callback_type, GError **error)
{
  GPtrArray *known;
  SngCallback *callback;

  g_return_val_if_fail (SNG_IS_HARNESS (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  known = sng_harness_get_known_callbacks (self, error);
  if (known == NULL)
    return FALSE;

  callback = find_callback (known, callback_type);
  if (callback == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
                   "[harness][check] %s has no callback of the type %s", G_OBJECT_TYPE_NAME (self),
                   g_type_name (callback_type));
      return FALSE;
    }

  return sng_harness_check_metric (self, sng_callback_get_metric (callback), error);
}

/**
 * sng_harness_check_init_consumed_samples:
 * @self: a harness
 * @error: return location for a #GError
 *
 * Whether, in the last stop-and-go, STOP and CONTINUOUS started with no sample consumed, and each RESUME with as many
 * samples, of training and of validation, as CONTINUOUS had consumed at the step of the checkpoint.
 *
 * Returns: whether they did; see [method@Sng.Harness.check_metric] for @error
 *
 * Since: 1.0
 */
gboolean
sng_harness_check_init_consumed_samples (SngHarness *self, GError **error)
{
  return sng_harness_check_metric (self, SNG_INIT_CONSUMED_SAMPLES, error);
}

/**
 * sng_harness_check_validation_batches:
 * @self: a harness
 * @error: return location for a #GError
 *
 * Whether, in the last stop-and-go, the validation after each step had as many micro-batches in STOP or
 * RESUME as in CONTINUOUS.
 *
 * Returns: whether they had; see [method@Sng.Harness.check_metric] for @error
 *
 * Since: 1.0
 */
gboolean
sng_harness_check_validation_batches (SngHarness *self, GError **error)
{
  return sng_harness_check_metric (self, SNG_VALIDATION_BATCHES, error);
}
