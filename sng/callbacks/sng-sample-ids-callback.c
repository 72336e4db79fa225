/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-sample-ids-callback.h"

/**
 * SngSampleIdsCallback:
 *
 * Records which samples each training micro-batch consists of: the metric `SampleIds`,
 * whose values are pairs of the epoch and the samples' ids in their order, of the type
 * `(tax)`.
 *
 * It shows at a glance how a resumed training departs from the order of the samples, and
 * [class@Sng.Coverage] audits whether each epoch had every sample once. For that the
 * number of samples of an epoch goes into the run store as the information `n-samples`, an unsigned
 * integer of 64 bits.
 *
 * A batch has the epoch as the value `epoch`, which [class@Sng.Trainer] puts there, and the ids as the
 * tensor of integers `sample_ids`. A trainer with a loop of its own may do without: where no
 * batch has both, nothing is recorded, and there is no such metric.
 *
 * Since: 1.0
 */
struct _SngSampleIdsCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngSampleIdsCallback, sng_sample_ids_callback, SNG_TYPE_CALLBACK)

static SngMetricFlags
sng_sample_ids_callback_get_flags (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  return SNG_METRIC_EXPECT_CHANGE | SNG_METRIC_OPTIONAL;
}

static gboolean
sng_sample_ids_callback_fit_start (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  SngRunStore *store = sng_recorder_get_store (sng_callback_get_recorder (callback));
  SngDataModule *data_module = sng_trainer_get_data_module (trainer);
  guint64 n_samples = data_module != NULL ? sng_data_module_get_n_samples (data_module, SNG_STAGE_TRAIN) : 0;

  return n_samples == 0
         || sng_run_store_set_info (store, "n-samples", g_variant_new_uint64 (n_samples), error);
}

/* NULL for a batch of a foreign loop that does not say what it is made of. */
static GVariant *
describe_samples (SngStateDict *batch)
{
  SngTensor *ids = sng_state_dict_lookup_tensor (batch, "sample_ids");
  GVariantBuilder builder;
  gint64 epoch;

  if (ids == NULL || sng_dtype_is_floating (sng_tensor_get_dtype (ids))
      || !sng_state_dict_get_int64 (batch, "epoch", &epoch, NULL) || epoch < 0)
    return NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ax"));
  for (gint64 i = 0; i < sng_tensor_get_n_elements (ids); i++)
    g_variant_builder_add (&builder, "x", sng_tensor_get_value_int64 (ids, i));

  return g_variant_new ("(tax)", (guint64) epoch, &builder);
}

static gboolean
sng_sample_ids_callback_micro_batch_end (SngCallback *callback,
                                         SngTrainer *trainer,
                                         SngStage stage,
                                         guint micro_batch,
                                         SngStateDict *batch,
                                         SngStateDict *outputs,
                                         GError **error)
{
  GVariant *samples = stage == SNG_STAGE_TRAIN ? describe_samples (batch) : NULL;

  return samples == NULL
         || sng_callback_record_value (callback, stage, sng_trainer_get_global_step (trainer) + 1,
                                       micro_batch, "", samples, error);
}

static void
sng_sample_ids_callback_class_init (SngSampleIdsCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->get_flags = sng_sample_ids_callback_get_flags;
  callback_class->fit_start = sng_sample_ids_callback_fit_start;
  callback_class->micro_batch_end = sng_sample_ids_callback_micro_batch_end;
}

static void
sng_sample_ids_callback_init (SngSampleIdsCallback *self)
{
}

/**
 * sng_sample_ids_callback_new:
 *
 * Makes a callback that records which samples are trained on.
 *
 * Returns: (transfer full): a new callback
 *
 * Since: 1.0
 */
SngCallback *
sng_sample_ids_callback_new (void)
{
  return g_object_new (SNG_TYPE_SAMPLE_IDS_CALLBACK, NULL);
}
