/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include "callbacks/sng-consumed-samples-callback.h"
#include "callbacks/sng-ema-state-callback.h"
#include "callbacks/sng-function-callback.h"
#include "callbacks/sng-global-step-state-callback.h"
#include "callbacks/sng-grad-scaler-state-callback.h"
#include "callbacks/sng-gradient-norm-callback.h"
#include "callbacks/sng-init-consumed-samples-callback.h"
#include "callbacks/sng-learning-rate-callback.h"
#include "callbacks/sng-model-weights-callback.h"
#include "callbacks/sng-optimizer-state-callback.h"
#include "callbacks/sng-registered-state-callback.h"
#include "callbacks/sng-rng-state-callback.h"
#include "callbacks/sng-sample-ids-callback.h"
#include "callbacks/sng-scheduler-state-callback.h"
#include "callbacks/sng-train-input-callback.h"
#include "callbacks/sng-train-loss-callback.h"
#include "callbacks/sng-train-output-callback.h"
#include "callbacks/sng-valid-input-callback.h"
#include "callbacks/sng-valid-loss-callback.h"
#include "callbacks/sng-valid-output-callback.h"
#include "state/sng-vfunc-private.h"

static gboolean
sng_harness_default_setup (SngHarness *self, GError **error)
{
  return TRUE;
}

static gboolean
sng_harness_default_teardown (SngHarness *self, GError **error)
{
  return TRUE;
}

static SngTrainer *
sng_harness_default_setup_trainer (SngHarness *self, SngMode mode, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  SngPrecision precision;

  if (!sng_precision_from_string (priv->precision, &precision, error))
    return NULL;

  return g_object_new (SNG_TYPE_TRAINER, "max-steps", (guint64) priv->num_steps, "micro-batch-size",
                       priv->micro_batch_size, "accumulate-grad-batches", priv->accumulate_grad_batches,
                       "val-check-interval", (guint64) priv->val_check_interval, "limit-val-batches",
                       (guint64) priv->limit_val_batches, "gradient-clip-norm", priv->gradient_clip_norm,
                       "seed", priv->seed, "precision", precision, NULL);
}

static GListModel *
sng_harness_default_get_default_callbacks (SngHarness *self, GError **error)
{
  /* Causes before effects: of what differs at one step, the first in this order is named. */
  const GType types[] = {
    SNG_TYPE_GLOBAL_STEP_STATE_CALLBACK,
    SNG_TYPE_CONSUMED_SAMPLES_CALLBACK,
    SNG_TYPE_INIT_CONSUMED_SAMPLES_CALLBACK,
    SNG_TYPE_SCHEDULER_STATE_CALLBACK,
    SNG_TYPE_LEARNING_RATE_CALLBACK,
    SNG_TYPE_GRAD_SCALER_STATE_CALLBACK,
    SNG_TYPE_RNG_STATE_CALLBACK,
    SNG_TYPE_REGISTERED_STATE_CALLBACK,
    SNG_TYPE_SAMPLE_IDS_CALLBACK,
    SNG_TYPE_TRAIN_INPUT_CALLBACK,
    SNG_TYPE_TRAIN_OUTPUT_CALLBACK,
    SNG_TYPE_TRAIN_LOSS_CALLBACK,
    SNG_TYPE_GRADIENT_NORM_CALLBACK,
    SNG_TYPE_OPTIMIZER_STATE_CALLBACK,
    SNG_TYPE_MODEL_WEIGHTS_CALLBACK,
    SNG_TYPE_EMA_STATE_CALLBACK,
    SNG_TYPE_VALID_INPUT_CALLBACK,
    SNG_TYPE_VALID_OUTPUT_CALLBACK,
    SNG_TYPE_VALID_LOSS_CALLBACK,
  };
  g_autoptr (GListStore) callbacks = g_list_store_new (SNG_TYPE_CALLBACK);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (SngCallback) callback = g_object_new (types[i], NULL);

      g_list_store_append (callbacks, callback);
    }

  return G_LIST_MODEL (g_steal_pointer (&callbacks));
}

static gboolean
sng_harness_default_restore (SngHarness *self, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  return sng_trainer_restore (trainer, checkpoint, error);
}

/**
 * SngHarnessClass::setup:
 * @self: the harness
 * @error: return location for a #GError
 *
 * Prepares what the modes share, such as files. Called in each process that runs
 * modes, before the first of them. The default does nothing.
 *
 * Returns: whether it succeeded
 *
 * Since: 1.0
 */

/**
 * SngHarnessClass::teardown:
 * @self: the harness
 * @error: return location for a #GError
 *
 * Undoes [vfunc@Sng.Harness.setup]. Called after the last mode of the process, also
 * where one has failed, but not where the setup itself has. The default does nothing.
 *
 * Returns: whether it succeeded
 *
 * Since: 1.0
 */

/**
 * SngHarnessClass::setup_model:
 * @self: the harness
 * @mode: the mode that is about to run
 * @error: return location for a #GError
 *
 * Builds what is trained, as it is before the first step: the same in every mode.
 * Every subclass implements it. Called once a mode, in the process that runs it.
 *
 * Returns: (transfer full) (nullable): fresh objects, or %NULL with @error set
 *
 * Since: 1.0
 */

/**
 * SngHarnessClass::setup_trainer:
 * @self: the harness
 * @mode: the mode that is about to run
 * @error: return location for a #GError
 *
 * Makes the trainer. The default makes an [class@Sng.Trainer] with the settings of the harness; chain up
 * to change some of them. Its [property@Sng.Trainer:max-steps] must be
 * [property@Sng.Harness:num-steps]. A trainer without an [class@Sng.ModelCheckpoint] is given one
 * that saves in `checkpoints` of [method@Sng.Harness.dup_mode_directory], at each validation; RESUME looks for the
 * checkpoints of the run before there.
 *
 * Returns: (transfer full) (nullable): a trainer with nothing attached, or %NULL with @error set
 *
 * Since: 1.0
 */

/**
 * SngHarnessClass::get_default_callbacks:
 * @self: the harness
 * @error: return location for a #GError
 *
 * Makes the callbacks of one mode. Chain up and append to the list to record more. The
 * default returns one of each kind that libsng has.
 *
 * Returns: (transfer full) (nullable): a list of [class@Sng.Callback], fresh ones each time, or %NULL
 *   with @error set
 *
 * Since: 1.0
 */

/**
 * SngHarnessClass::restore:
 * @self: the harness
 * @trainer: the trainer of RESUME, with everything attached
 * @checkpoint: the newest checkpoint of the run before that is undamaged; in a sweep, that of one step
 * @error: return location for a #GError
 *
 * Puts the state of the run before back. The default calls [method@Sng.Trainer.restore]. Override it to
 * test another way to restore, or to plant a fault.
 *
 * Returns: whether it succeeded
 *
 * Since: 1.0
 */
void
sng_harness_set_default_vfuncs (SngHarnessClass *klass)
{
  klass->setup = sng_harness_default_setup;
  klass->teardown = sng_harness_default_teardown;
  klass->setup_trainer = sng_harness_default_setup_trainer;
  klass->get_default_callbacks = sng_harness_default_get_default_callbacks;
  klass->restore = sng_harness_default_restore;
}

/* Moves the reason of a failed vfunc to the caller. */
static gboolean
finish_vfunc (SngHarness *self, const char *vfunc, gboolean succeeded, GError *local_error, GError **error)
{
  if (sng_vfunc_check_result (self, vfunc, succeeded, &local_error))
    return TRUE;

  g_propagate_error (error, local_error);

  return FALSE;
}

gboolean
sng_harness_setup (SngHarness *self, GError **error)
{
  GError *local_error = NULL;
  gboolean succeeded = SNG_HARNESS_GET_CLASS (self)->setup (self, &local_error);

  return finish_vfunc (self, "setup", succeeded, local_error, error);
}

gboolean
sng_harness_teardown (SngHarness *self, GError **error)
{
  GError *local_error = NULL;
  gboolean succeeded = SNG_HARNESS_GET_CLASS (self)->teardown (self, &local_error);

  return finish_vfunc (self, "teardown", succeeded, local_error, error);
}

SngSetup *
sng_harness_setup_model (SngHarness *self, SngMode mode, GError **error)
{
  g_autoptr (SngSetup) setup = NULL;
  GError *local_error = NULL;

  if (SNG_HARNESS_GET_CLASS (self)->setup_model == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[vfunc] %s does not implement setup_model: it must return an SngSetup of a model, a data "
                   "module and "
                   "an optimizer",
                   G_OBJECT_TYPE_NAME (self));
      return NULL;
    }

  setup = SNG_HARNESS_GET_CLASS (self)->setup_model (self, mode, &local_error);

  if (!finish_vfunc (self, "setup_model", setup != NULL, local_error, error))
    return NULL;

  return g_steal_pointer (&setup);
}

/* A trainer that was given no place to save to saves where RESUME looks. */
static void
give_model_checkpoint (SngHarness *self, SngMode mode, SngTrainer *trainer)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *mode_directory = sng_harness_dup_mode_directory (self, mode);
  g_autofree char *directory = g_build_filename (mode_directory, "checkpoints", NULL);
  g_autoptr (SngModelCheckpoint) model_checkpoint = NULL;

  if (sng_trainer_get_model_checkpoint (trainer) != NULL)
    return;

  model_checkpoint = sng_model_checkpoint_new (directory, priv->val_check_interval);
  g_object_set (trainer, "model-checkpoint", model_checkpoint, NULL);
}

SngTrainer *
sng_harness_setup_trainer (SngHarness *self, SngMode mode, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (SngTrainer) trainer = NULL;
  GError *local_error = NULL;

  trainer = SNG_HARNESS_GET_CLASS (self)->setup_trainer (self, mode, &local_error);

  if (!finish_vfunc (self, "setup_trainer", trainer != NULL, local_error, error))
    return NULL;

  if (sng_trainer_get_max_steps (trainer) != priv->num_steps)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[vfunc] %s.setup_trainer returned a trainer with max-steps %" G_GUINT64_FORMAT
                   ", but num-steps of the harness is %u",
                   G_OBJECT_TYPE_NAME (self), sng_trainer_get_max_steps (trainer), priv->num_steps);
      return NULL;
    }

  give_model_checkpoint (self, mode, trainer);

  return g_steal_pointer (&trainer);
}

gboolean
sng_harness_restore (SngHarness *self, SngTrainer *trainer, SngCheckpoint *checkpoint, GError **error)
{
  GError *local_error = NULL;
  gboolean succeeded = SNG_HARNESS_GET_CLASS (self)->restore (self, trainer, checkpoint, &local_error);

  return finish_vfunc (self, "restore", succeeded, local_error, error);
}

/**
 * sng_harness_get_default_callbacks: (virtual get_default_callbacks)
 * @self: a harness
 * @error: return location for a #GError
 *
 * Makes the callbacks that a mode of this harness records with, without the extra metrics.
 *
 * Returns: (transfer full): a list of [class@Sng.Callback], attached to nothing
 *
 * Since: 1.0
 */
GListModel *
sng_harness_get_default_callbacks (SngHarness *self, GError **error)
{
  g_autoptr (GListModel) callbacks = NULL;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  callbacks = SNG_HARNESS_GET_CLASS (self)->get_default_callbacks (self, &local_error);

  if (!finish_vfunc (self, "get_default_callbacks", callbacks != NULL, local_error, error))
    return NULL;

  return g_steal_pointer (&callbacks);
}

static gboolean
add_callback (SngHarness *self, GPtrArray *callbacks, SngCallback *callback, GError **error)
{
  const char *metric = sng_callback_get_metric (callback);

  for (guint i = 0; i < callbacks->len; i++)
    {
      if (g_str_equal (sng_callback_get_metric (g_ptr_array_index (callbacks, i)), metric))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "two callbacks of %s record the metric %s", G_OBJECT_TYPE_NAME (self), metric);
          return FALSE;
        }
    }

  g_ptr_array_add (callbacks, g_object_ref (callback));

  return TRUE;
}

GPtrArray *
sng_harness_create_callbacks (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GListModel) defaults = sng_harness_get_default_callbacks (self, error);
  g_autoptr (GPtrArray) callbacks = g_ptr_array_new_with_free_func (g_object_unref);

  if (defaults == NULL)
    return NULL;

  for (guint i = 0; i < g_list_model_get_n_items (defaults); i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (defaults, i);

      if (!SNG_IS_CALLBACK (item))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                       "%s.get_default_callbacks returned a list with a %s in it, which is no SngCallback",
                       G_OBJECT_TYPE_NAME (self), G_OBJECT_TYPE_NAME (item));
          return NULL;
        }

      if (!add_callback (self, callbacks, SNG_CALLBACK (item), error))
        return NULL;
    }

  for (guint i = 0; i < priv->extra_metrics->len; i++)
    {
      SngExtraMetric *metric = g_ptr_array_index (priv->extra_metrics, i);
      g_autoptr (SngCallback) callback =
          sng_function_callback_new (metric->name, metric->func, metric->user_data, NULL);

      if (!add_callback (self, callbacks, callback, error))
        return NULL;
    }

  return g_steal_pointer (&callbacks);
}

GPtrArray *
sng_harness_get_known_callbacks (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->known_callbacks == NULL)
    priv->known_callbacks = sng_harness_create_callbacks (self, error);

  return priv->known_callbacks;
}
