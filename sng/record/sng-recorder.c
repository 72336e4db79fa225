/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-recorder-private.h"

#include <errno.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "record/sng-metadata-private.h"
#include "record/sng-run-store-private.h"
#include "sng-error.h"
#include "state/sng-safetensors-private.h"
#include "state/sng-state-dict-private.h"

/**
 * SngRecorder:
 *
 * Writes down what a training run does, in the run's [class@Sng.RunStore].
 *
 * Everything is recorded by value at the moment of the call: a number as it is, a
 * tensor as its fingerprint and a summary, computed where the tensor lives. What is changed
 * afterwards changes no entry, and no tensor is held in memory. Where a metric is going
 * to be compared under a tolerance a fingerprint does not do; such a metric is set to be
 * captured ([method@Sng.Recorder.set_capture]), and its tensors are written whole to
 * the directory `captures` beside the store.
 *
 * Entries survive the end of the process from the next
 * [method@Sng.Recorder.finish_step] on, which belongs at the end of each step.
 *
 * ```c
 * g_autoptr (SngRunStore) store = sng_run_store_create ("run/rank-00000.db", &error);
 * g_autoptr (SngRecorder) recorder = sng_recorder_new (store, 0);
 *
 * for (guint64 step = 1; step <= n_steps; step++)
 *   {
 *     double loss = train_one_step ();
 *
 *     if (!sng_recorder_record_value (recorder, "Loss", SNG_STAGE_TRAIN, step, -1, "",
 *                                     g_variant_new_double (loss), &error)
 *         || !sng_recorder_finish_step (recorder, &error))
 *       return FALSE;
 *   }
 * ```
 *
 * A training that is run by `sng check` or by an [class@Sng.CommandHarness] needs less: its recorder comes from the
 * environment, makes its own store, and ends the process where the plan says
 * ([ctor@Sng.Recorder.new_from_environment], [method@Sng.Recorder.step]).
 *
 * A recorder is used by one thread at a time.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (SngRecorder, sng_recorder, G_TYPE_OBJECT)

static void
sng_recorder_finalize (GObject *object)
{
  SngRecorder *self = SNG_RECORDER (object);

  g_clear_object (&self->store);
  g_clear_pointer (&self->captured, g_hash_table_unref);
  g_free (self->place_metric);
  g_free (self->place_path);
  g_free (self->checkpoint_dir);
  g_free (self->stop_kind);
  g_hash_table_unref (self->declared);
  g_hash_table_unref (self->types);
  if (self->progress_fd >= 0)
    close (self->progress_fd);

  G_OBJECT_CLASS (sng_recorder_parent_class)->finalize (object);
}

static void
sng_recorder_class_init (SngRecorderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_recorder_finalize;
}

static void
sng_recorder_init (SngRecorder *self)
{
  self->storage = sng_storage_get_posix ();
  self->captured = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->declared = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->types = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->mode = SNG_MODE_CONTINUOUS;
  self->progress_fd = -1;
}

/**
 * sng_recorder_new:
 * @store: the store to write to
 * @rank: the rank of this process, from 0
 *
 * Makes a recorder.
 *
 * Returns: (transfer full): a new recorder
 *
 * Since: 1.0
 */
SngRecorder *
sng_recorder_new (SngRunStore *store, guint rank)
{
  SngRecorder *self;

  g_return_val_if_fail (SNG_IS_RUN_STORE (store), NULL);

  self = g_object_new (SNG_TYPE_RECORDER, NULL);
  self->store = g_object_ref (store);
  self->rank = rank;

  return self;
}

/**
 * sng_recorder_get_store:
 * @self: a recorder
 *
 * Gets the store that is written to.
 *
 * Returns: (transfer none) (nullable): the store; %NULL where nothing is recorded
 *
 * Since: 1.0
 */
SngRunStore *
sng_recorder_get_store (SngRecorder *self)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), NULL);

  return self->store;
}

/**
 * sng_recorder_get_rank:
 * @self: a recorder
 *
 * Gets the rank that entries carry.
 *
 * Returns: the rank, from 0
 *
 * Since: 1.0
 */
guint
sng_recorder_get_rank (SngRecorder *self)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), 0);

  return self->rank;
}

/**
 * sng_recorder_set_capture:
 * @self: a recorder
 * @metric: a metric's name
 * @capture: whether to keep its tensors whole
 *
 * Chooses whether the tensors of a metric are written to disk whole. Only then can
 * they be compared under a tolerance; values can be in any case.
 *
 * Since: 1.0
 */
void
sng_recorder_set_capture (SngRecorder *self, const char *metric, gboolean capture)
{
  g_return_if_fail (SNG_IS_RECORDER (self));
  g_return_if_fail (metric != NULL);

  if (capture)
    g_hash_table_add (self->captured, g_strdup (metric));
  else
    g_hash_table_remove (self->captured, metric);
}

SngStorage **
sng_recorder_get_storage (SngRecorder *self)
{
  return &self->storage;
}

void
sng_recorder_capture_place (SngRecorder *self, const char *metric, const char *path, guint64 step)
{
  g_free (self->place_metric);
  g_free (self->place_path);
  self->place_metric = g_strdup (metric);
  self->place_path = g_strdup (path);
  self->place_step = step;
}

static gboolean
is_captured (SngRecorder *self, const SngMetadata *entry)
{
  return self->captures_all || g_hash_table_contains (self->captured, entry->metric)
         || (self->place_metric != NULL && entry->step == self->place_step
             && g_str_equal (entry->metric, self->place_metric)
             && g_str_equal (entry->path, self->place_path));
}

/**
 * sng_recorder_record_value:
 * @self: a recorder
 * @metric: the metric's name, not empty
 * @stage: the stage that the entry belongs to
 * @step: the global step that it belongs to
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @path: what tells it apart from others of the metric at this place; may be empty
 * @value: a number, a boolean, a string or anything made of them; a floating
 *   reference is taken
 * @error: return location for a #GError
 *
 * Records a value.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_recorder_record_value (SngRecorder *self,
                           const char *metric,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch,
                           const char *path,
                           GVariant *value,
                           GError **error)
{
  g_autoptr (SngMetadata) entry = NULL;

  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (metric != NULL && *metric != '\0', FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (micro_batch >= -1, FALSE);
  g_return_val_if_fail (step <= G_MAXINT64, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->store == NULL)
    {
      g_variant_unref (g_variant_ref_sink (value));
      return TRUE;
    }

  entry = sng_metadata_alloc (metric, stage, step, micro_batch, self->rank, path);
  entry->value = sng_metadata_normalise_value (value, error);
  if (entry->value == NULL)
    {
      g_prefix_error (error, "%s %s: ", metric, path);
      return FALSE;
    }

  return sng_run_store_append (self->store, entry, error);
}

/* Writes the tensor to a file named after the entry's number, and notes its name. */
static gboolean
capture (SngRecorder *self, SngMetadata *entry, SngTensor *tensor, GError **error)
{
  const char *store_path = sng_run_store_get_path (self->store);
  g_autofree char *directory = g_path_get_dirname (store_path);
  g_autofree char *captures = g_build_filename (directory, "captures", NULL);
  g_autofree char *path = NULL;
  g_autoptr (SngStateDict) tensors = sng_state_dict_new ();

  if (!self->has_directory)
    {
      if (g_mkdir_with_parents (captures, 0755) != 0)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[record][capture] %s: %s", captures,
                       g_strerror (errno));
          return FALSE;
        }
      self->has_directory = TRUE;
    }

  entry->capture = g_strdup_printf ("captures/%05u-%08" G_GUINT64_FORMAT ".safetensors", self->rank,
                                    sng_run_store_get_next_seq (self->store));
  path = g_build_filename (directory, entry->capture, NULL);
  sng_state_dict_set_tensor (tensors, SNG_METADATA_CAPTURED_TENSOR, tensor);

  return sng_safetensors_save_to (self->storage, path, tensors, NULL, error);
}

gboolean
sng_recorder_append_tensor (SngRecorder *self,
                            const char *metric,
                            SngStage stage,
                            guint64 step,
                            gint64 micro_batch,
                            const char *path,
                            SngTensor *tensor,
                            const SngFingerprint *fingerprint,
                            const SngTensorSummary *summary,
                            GError **error)
{
  g_autoptr (SngMetadata) entry = sng_metadata_alloc (metric, stage, step, micro_batch, self->rank, path);
  const gint64 *shape;

  entry->fingerprint = sng_fingerprint_to_string (fingerprint);
  entry->minimum = summary->minimum;
  entry->maximum = summary->maximum;
  entry->mean = summary->mean;
  entry->n_non_finite = summary->n_non_finite;
  entry->dtype = sng_tensor_get_dtype (tensor);
  shape = sng_tensor_get_shape (tensor, &entry->n_dims);
  entry->shape = g_new0 (gint64, MAX (entry->n_dims, 1));
  for (guint i = 0; i < entry->n_dims; i++)
    entry->shape[i] = shape[i];

  if (is_captured (self, entry) && !capture (self, entry, tensor, error))
    return FALSE;

  return sng_run_store_append (self->store, entry, error);
}

/**
 * sng_recorder_record_tensor:
 * @self: a recorder
 * @metric: the metric's name, not empty
 * @stage: the stage that the entry belongs to
 * @step: the global step that it belongs to
 * @micro_batch: the micro-batch within the step or the validation, or -1
 * @path: what tells it apart from others of the metric at this place; may be empty
 * @tensor: a tensor of any dtype and shape
 * @error: return location for a #GError
 *
 * Records a tensor as it is now: its fingerprint, its dtype and shape, and minimum,
 * maximum, mean and number of non-finite elements. It may be changed afterwards.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_recorder_record_tensor (SngRecorder *self,
                            const char *metric,
                            SngStage stage,
                            guint64 step,
                            gint64 micro_batch,
                            const char *path,
                            SngTensor *tensor,
                            GError **error)
{
  SngFingerprint fingerprint;
  SngTensorSummary summary;

  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (metric != NULL && *metric != '\0', FALSE);
  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (micro_batch >= -1, FALSE);
  g_return_val_if_fail (step <= G_MAXINT64, FALSE);
  g_return_val_if_fail (SNG_IS_TENSOR (tensor), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->store == NULL)
    return TRUE;

  return sng_tensors_fingerprint (1, &tensor, &fingerprint, &summary, error)
         && sng_recorder_append_tensor (self, metric, stage, step, micro_batch, path, tensor, &fingerprint,
                                        &summary, error);
}

gboolean
sng_recorder_record_state (SngRecorder *self,
                           const char *metric,
                           SngStage stage,
                           guint64 step,
                           gint64 micro_batch,
                           const char *prefix,
                           SngStateDict *state,
                           GError **error)
{
  g_autofree SngFingerprint *fingerprints = NULL;
  g_autofree SngTensorSummary *summaries = NULL;
  const SngStateEntry *entry;
  gsize n_tensors = 0;
  gboolean done;

  if (self->store == NULL)
    return TRUE;

  done = sng_state_dict_fingerprint_tensors (state, &fingerprints, &summaries, error);
  for (guint i = 0; done && (entry = sng_state_dict_get_entry (state, i)) != NULL; i++)
    {
      g_autofree char *joined = prefix != NULL ? g_strconcat (prefix, "/", entry->name, NULL) : NULL;
      const char *path = joined != NULL ? joined : entry->name;

      if (entry->tensor == NULL)
        done = sng_recorder_record_value (self, metric, stage, step, micro_batch, path, entry->value, error);
      else
        {
          done = sng_recorder_append_tensor (self, metric, stage, step, micro_batch, path, entry->tensor,
                                             &fingerprints[n_tensors], &summaries[n_tensors], error);
          n_tensors++;
        }
    }

  return done;
}

/**
 * sng_recorder_finish_step:
 * @self: a recorder
 * @error: return location for a #GError
 *
 * Commits what was recorded since the last time. From then on it survives the end of the
 * process, however it comes.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
sng_recorder_finish_step (SngRecorder *self, GError **error)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return self->store == NULL || sng_run_store_flush (self->store, error);
}
