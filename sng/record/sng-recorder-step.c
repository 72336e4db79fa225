/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a training calls once a step. */

#include "record/sng-recorder-private.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "record/sng-metadata-private.h"
#include "sng-error.h"
#include "state/sng-state-dict-private.h"

/* What a training changes, if it is one. Of anything else nobody knows: a learning rate may be constant. */
static const char *const changing_metrics[] = { SNG_GLOBAL_STEP_METRIC, "TrainLoss", "ModelWeights" };

/* The dtype of a tensor, else the type that a value is recorded under; both are never freed, and no string is both. */
static const char *
get_type (SngStateDict *metrics, const char *name)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (metrics, name);
  GVariant *value = tensor == NULL ? sng_state_dict_lookup_value (metrics, name) : NULL;
  const char *type;

  if (tensor != NULL)
    return sng_dtype_get_name (sng_tensor_get_dtype (tensor));

  type = g_variant_get_type_string (value);

  /* Every integer is recorded as the same one. */
  return strchr ("ynqiuxt", type[0]) != NULL ? "x" : g_intern_string (type);
}

/* For people. */
static char *
describe_type (const char *type)
{
  if (g_ascii_isupper (type[0]))
    return g_strdup_printf ("a tensor of %s", type);
  if (g_str_equal (type, "x"))
    return g_strdup ("an integer");
  if (g_str_equal (type, "d"))
    return g_strdup ("a floating-point number");
  if (g_str_equal (type, "s"))
    return g_strdup ("a string");
  if (g_str_equal (type, "b"))
    return g_strdup ("a boolean");

  return g_strdup_printf ("a value of the type \"%s\"", type);
}

/* A loss that is 0 in one step and 0.5 in the next is a fault of whoever records it: two runs could differ in nothing else. */
static gboolean
check_type (SngRecorder *self, SngStateDict *metrics, const char *name, guint64 step, GError **error)
{
  const char *type = get_type (metrics, name);
  const char *known = g_hash_table_lookup (self->types, name);
  g_autofree char *now = NULL;
  g_autofree char *before = NULL;

  if (known == NULL)
    {
      g_hash_table_insert (self->types, g_strdup (name), (gpointer) type);
      return TRUE;
    }

  if (g_str_equal (known, type))
    return TRUE;

  now = describe_type (type);
  before = describe_type (known);
  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
               "[record][step] %s is %s at step %" G_GUINT64_FORMAT
               ", and was %s before: convert it, so that a metric has one type",
               name, now, step, before);

  return FALSE;
}

/* Once for each metric. */
static gboolean
declare (SngRecorder *self, const char *metric, GError **error)
{
  SngMetricFlags flags = SNG_METRIC_NONE;

  if (g_hash_table_contains (self->declared, metric))
    return TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (changing_metrics); i++)
    if (g_str_equal (metric, changing_metrics[i]))
      flags = SNG_METRIC_EXPECT_CHANGE;

  g_hash_table_add (self->declared, g_strdup (metric));

  return sng_run_store_declare_metric (self->store, metric, flags, error);
}

/* METRIC or METRIC/PATH. Of a tensor fingerprint and summary are known. */
static gboolean
record_item (SngRecorder *self,
             SngStage stage,
             guint64 step,
             gint64 micro_batch,
             SngStateDict *metrics,
             const char *name,
             const SngFingerprint *fingerprint,
             const SngTensorSummary *summary,
             GError **error)
{
  const char *slash = strchr (name, '/');
  g_autofree char *metric = slash != NULL ? g_strndup (name, (gsize) (slash - name)) : g_strdup (name);
  const char *path = slash != NULL ? slash + 1 : "";
  SngTensor *tensor = sng_state_dict_lookup_tensor (metrics, name);

  if (*metric == '\0')
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[record][step] \"%s\" at step %" G_GUINT64_FORMAT
                   " has no metric: a name is METRIC or METRIC/PATH",
                   name, step);
      return FALSE;
    }

  if (!check_type (self, metrics, name, step, error) || !declare (self, metric, error))
    return FALSE;

  if (tensor != NULL)
    return sng_recorder_append_tensor (self, metric, stage, step, micro_batch, path, tensor, fingerprint,
                                       summary, error);

  return sng_recorder_record_value (self, metric, stage, step, micro_batch, path,
                                    sng_state_dict_lookup_value (metrics, name), error);
}

/**
 * sng_recorder_record:
 * @self: a recorder
 * @stage: the stage that the entries belong to
 * @step: the global step that they belong to: of a validation, the one after which it runs
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @metrics: tensors and values, named `METRIC` or `METRIC/PATH`
 * @error: return location for a #GError
 *
 * Records everything in @metrics, in its order, as it is now. It counts when the step is
 * finished, by [method@Sng.Recorder.step].
 *
 * All tensors are looked at by one call for each device that they live on: so on a GPU many in one dictionary take
 * less time than one by one.
 *
 * A name keeps its type: an integer in one step and a floating-point number in the next is an
 * error, as is another dtype of a tensor.
 *
 * A recorder that is not active returns at once.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_recorder_record (SngRecorder *self,
                     SngStage stage,
                     guint64 step,
                     gint64 micro_batch,
                     SngStateDict *metrics,
                     GError **error)
{
  g_autofree SngFingerprint *fingerprints = NULL;
  g_autofree SngTensorSummary *summaries = NULL;
  gsize n_tensors = 0;

  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (micro_batch >= -1, FALSE);
  g_return_val_if_fail (step <= G_MAXINT64, FALSE);
  g_return_val_if_fail (SNG_IS_STATE_DICT (metrics), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->store == NULL)
    return TRUE;

  if (!sng_state_dict_fingerprint_tensors (metrics, &fingerprints, &summaries, error))
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (metrics); i++)
    {
      const char *name = sng_state_dict_get_name (metrics, i);

      if (!record_item (self, stage, step, micro_batch, metrics, name, &fingerprints[n_tensors],
                        &summaries[n_tensors], error))
        return FALSE;
      if (sng_state_dict_lookup_tensor (metrics, name) != NULL)
        n_tensors++;
    }

  return TRUE;
}

/* Which steps a run made is told even where it records nothing else. */
static gboolean
record_step (SngRecorder *self, guint64 step, SngStateDict *metrics, GError **error)
{
  gboolean has_step = metrics != NULL && sng_state_dict_contains (metrics, SNG_GLOBAL_STEP_METRIC);

  if (!has_step
      && (!declare (self, SNG_GLOBAL_STEP_METRIC, error)
          || !sng_recorder_record_value (self, SNG_GLOBAL_STEP_METRIC, SNG_STAGE_TRAIN, step, -1, "",
                                         g_variant_new_uint64 (step), error)))
    return FALSE;

  return metrics == NULL || sng_recorder_record (self, SNG_STAGE_TRAIN, step, -1, metrics, error);
}

static gboolean
stopped (SngRecorder *self, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_STOP_AND_GO,
               "[record][step] the training was stopped on purpose, after step %" G_GUINT64_FORMAT
               ": let this error end it",
               self->stop_at);

  return FALSE;
}

/* A process that a signal ends, or not: that is for its handlers. */
static gboolean
stop (SngRecorder *self, guint64 step, GError **error)
{
  self->is_stopped = TRUE;
  self->stop_at = step;

  if (!sng_run_store_set_info (self->store, SNG_STOPPED_AT_INFO, g_variant_new_uint64 (step), error)
      || !sng_run_store_flush (self->store, error))
    return FALSE;

  if (self->stop_signal == 0)
    return stopped (self, error);

  if (self->stop_signal == SIGKILL)
    kill (getpid (), SIGKILL);
  else
    raise (self->stop_signal);

  return TRUE;
}

static void
tell_progress (SngRecorder *self, guint64 step)
{
  g_autofree char *line = g_strdup_printf ("%020" G_GUINT64_FORMAT "\n", step);

  /* Where it cannot be written there is no bar, and nothing else is amiss. */
  if (self->progress_fd >= 0 && pwrite (self->progress_fd, line, strlen (line), 0) < 0)
    {
      close (self->progress_fd);
      self->progress_fd = -1;
    }
}

/**
 * sng_recorder_step:
 * @self: a recorder
 * @step: the global step that has just been finished, from 1; of a training that was resumed too it counts from
 *   the start of the training
 * @metrics: (nullable): what to record of it; see [method@Sng.Recorder.record]
 * @error: return location for a #GError
 *
 * Ends a step of a training: records @metrics and, as `GlobalStepState`, @step itself, commits, and stops the training where the
 * plan says so.
 *
 * A stop of the kind `raise` is an error %SNG_ERROR_STOP_AND_GO, which is to end the training as an exception
 * would; further calls fail in the same way. One of the kind `preempt` raises the signal in this process and returns when its handler
 * has run; one of the kind `kill` does not return.
 *
 * ```c
 * g_autoptr (SngRecorder) recorder = sng_recorder_new_from_environment (&error);
 *
 * for (guint64 step = first_step; step <= n_steps; step++)
 *   {
 *     g_autoptr (SngStateDict) metrics = sng_state_dict_new ();
 *
 *     sng_state_dict_set_double (metrics, "TrainLoss", train_one_step (model));
 *     sng_state_dict_set_tensor (metrics, "ModelWeights/weight", model->weight);
 *     if (!sng_recorder_step (recorder, step, metrics, &error))
 *       return FALSE;
 *   }
 * ```
 *
 * A recorder that is not active returns at once.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_recorder_step (SngRecorder *self, guint64 step, SngStateDict *metrics, GError **error)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (step <= G_MAXINT64, FALSE);
  g_return_val_if_fail (metrics == NULL || SNG_IS_STATE_DICT (metrics), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->store == NULL)
    return TRUE;

  if (self->is_stopped && self->stop_signal == 0)
    return stopped (self, error);

  if (step <= self->last_step)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[record][step] step %" G_GUINT64_FORMAT " is finished after step %" G_GUINT64_FORMAT
                   ": steps are counted from 1, and each is finished once",
                   step, self->last_step);
      return FALSE;
    }

  if (!record_step (self, step, metrics, error) || !sng_recorder_finish_step (self, error))
    return FALSE;

  self->last_step = step;
  tell_progress (self, step);

  return self->stop_kind == NULL || self->is_stopped || step < self->stop_at || stop (self, step, error);
}
