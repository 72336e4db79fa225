/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-data-module.h"

#include "sng-error.h"
#include "state/sng-vfunc-private.h"

/**
 * SngDataModule:
 *
 * Where the batches come from.
 *
 * Derive from it to train on data of your own and implement all three
 * functions. A data module has no position of its own: which samples come next
 * is up to a [class@Sng.Sampler], and a batch is a pure function of the stage,
 * the samples and the numbers of the stream. So there is nothing that a
 * checkpoint could miss.
 *
 * Since: 1.0
 */

/**
 * SngDataModuleClass:
 * @parent_class: the parent class
 * @setup: reads files and splits, once before the first batch
 * @get_n_samples: counts the samples of a stage
 * @load_batch: makes the batch of some samples
 *
 * The functions that a data module implements.
 *
 * Since: 1.0
 */

typedef struct
{
  gboolean is_set_up;
} SngDataModulePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SngDataModule, sng_data_module, G_TYPE_OBJECT)

static gboolean
sng_data_module_real_setup (SngDataModule *self, GError **error)
{
  return TRUE;
}

static void
sng_data_module_class_init (SngDataModuleClass *klass)
{
  klass->setup = sng_data_module_real_setup;
}

static void
sng_data_module_init (SngDataModule *self)
{
}

/**
 * sng_data_module_setup:
 * @self: a data module
 * @error: return location for a #GError
 *
 * Reads the files and splits the samples into the stages. A module that is set
 * up is not set up again.
 *
 * Returns: whether it worked; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_data_module_setup (SngDataModule *self, GError **error)
{
  SngDataModulePrivate *priv = sng_data_module_get_instance_private (self);
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_DATA_MODULE (self), FALSE);

  if (priv->is_set_up)
    return TRUE;

  succeeded = SNG_DATA_MODULE_GET_CLASS (self)->setup (self, &local_error);

  if (!sng_vfunc_check_result (self, "setup", succeeded, &local_error))
    {
      g_propagate_error (error, local_error);
      return FALSE;
    }

  priv->is_set_up = TRUE;

  return TRUE;
}

/**
 * sng_data_module_get_n_samples:
 * @self: a data module that is set up
 * @stage: a stage
 *
 * Counts the samples of a stage.
 *
 * Returns: the number of samples; 0 where the module has none
 *
 * Since: 1.0
 */
guint64
sng_data_module_get_n_samples (SngDataModule *self, SngStage stage)
{
  SngDataModuleClass *klass;

  g_return_val_if_fail (SNG_IS_DATA_MODULE (self), 0);

  klass = SNG_DATA_MODULE_GET_CLASS (self);

  return klass->get_n_samples != NULL ? klass->get_n_samples (self, stage) : 0;
}

/* What the trainer relies on. */
static gboolean
check_batch (SngDataModule *self, SngStateDict *batch, GError **error)
{
  gint64 n_targets = -1;

  if (sng_state_dict_get_tensor (batch, "sample_ids", error) == NULL
      || !sng_state_dict_get_int64 (batch, "n_targets", &n_targets, error))
    {
      g_prefix_error (error, "[data] %s.load_batch: ", G_OBJECT_TYPE_NAME (self));
      return FALSE;
    }

  if (n_targets < 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[data] %s.load_batch: n_targets is %" G_GINT64_FORMAT, G_OBJECT_TYPE_NAME (self),
                   n_targets);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_data_module_load_batch:
 * @self: a data module that is set up
 * @stage: a stage
 * @sample_ids: the samples: an i64 tensor of indices within the stage
 * @rng: the stream to draw from: the numbers of sample `i` of the batch are
 *   those of the stream's sample `position + i`. The caller moves the stream on
 *   afterwards; an implementation does not.
 * @error: return location for a #GError
 *
 * Makes the batch of some samples. It holds the inputs of the model, the tensor
 * "sample_ids" and the value "n_targets", by how much the batch weighs in the
 * mean loss of an accumulation window. In training the trainer adds the value
 * "epoch", the number of the epoch that the samples belong to.
 *
 * Returns: (transfer full) (nullable): the batch, or %NULL with @error set
 *
 * Since: 1.0
 */
SngStateDict *
sng_data_module_load_batch (SngDataModule *self,
                            SngStage stage,
                            SngTensor *sample_ids,
                            SngRngStream *rng,
                            GError **error)
{
  SngDataModuleClass *klass;
  g_autoptr (SngStateDict) batch = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_DATA_MODULE (self), NULL);
  g_return_val_if_fail (SNG_IS_TENSOR (sample_ids), NULL);
  g_return_val_if_fail (SNG_IS_RNG_STREAM (rng), NULL);

  klass = SNG_DATA_MODULE_GET_CLASS (self);

  if (!sng_vfunc_check_implemented (self, "load_batch", klass->load_batch != NULL, error))
    return NULL;

  batch = klass->load_batch (self, stage, sample_ids, rng, &local_error);

  if (!sng_vfunc_check_result (self, "load_batch", batch != NULL, &local_error))
    {
      g_propagate_error (error, local_error);
      return NULL;
    }

  if (!check_batch (self, batch, error))
    return NULL;

  return g_steal_pointer (&batch);
}
