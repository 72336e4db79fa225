/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-trainer-private.h"

#include "sng-enum-types.h"
#include "sng-error.h"
#include "state/sng-vfunc-private.h"

/**
 * SngTrainer:
 *
 * Trains a model, step by step, so that a training that was stopped and resumed
 * is the same as one that never stopped.
 *
 * ```c
 * g_autoptr (SngTrainer) trainer = sng_trainer_new ();
 *
 * g_object_set (trainer, "max-steps", G_GUINT64_CONSTANT (100), "micro-batch-size", 2, NULL);
 *
 * if (!sng_trainer_attach (trainer, model, data_module, optimizer, scheduler, &error)
 *     || !sng_trainer_fit (trainer, &error))
 *   g_printerr ("%s\n", error->message);
 * ```
 *
 * One global step is a window of
 * [property@Sng.Trainer:accumulate-grad-batches] micro-batches. They are all
 * loaded before the first one is computed, since each weighs by its share of
 * the window's targets; so the inputs of a whole window are in memory, but the
 * activations of one micro-batch only. The gradient is that of the mean loss
 * over the window's targets, however the window is cut. Then the gradient is
 * clipped, the optimizer and the scheduler make a step, and the global step and
 * the count of consumed samples move on.
 *
 * In %SNG_PRECISION_16_MIXED the loss is scaled for the backward pass, and the
 * gradients are divided by the scale before they are clipped. Where one of them is
 * infinite or not a number, the window is skipped: its samples are consumed, but nothing
 * else moves on, and the step is made with the next window. See
 * [class@Sng.GradScaler]. In another precision such a gradient ends the training with
 * %SNG_ERROR_NON_FINITE, and in each one a loss of that kind does.
 *
 * A window may reach over the end of an epoch; a micro-batch never does, so the
 * last one of an epoch may be smaller.
 *
 * Validation and checkpoints come at steps counted from the beginning of the
 * training, never from a resume. Validation always sees the same samples with
 * random numbers of its own.
 *
 * What must survive a stop is registered with the trainer's
 * [class@Sng.StateRegistry]: "trainer" (global step, consumed samples), "model",
 * "optimizer", "scheduler", "grad-scaler" in %SNG_PRECISION_16_MIXED, "sampler",
 * "rng/masking", "ema" where there is a
 * [property@Sng.Trainer:exponential-moving-average], "early-stopping" where there is a
 * [property@Sng.Trainer:early-stopping], "model-checkpoint" where that has a state, and what the model
 * registers by itself. Register further state of your own before
 * [method@Sng.Trainer.fit].
 *
 * ## Signals
 *
 * Signals are news: a listener changes nothing of the training. To end it, it
 * calls [method@Sng.Trainer.end_with_error]. All signals leave in the thread
 * that called [method@Sng.Trainer.fit], in this order:
 *
 * 1. [signal@Sng.Trainer::fit-start], once;
 * 2. for each step [signal@Sng.Trainer::step-start],
 *    [signal@Sng.Trainer::micro-batch-end] for each micro-batch of the window, with a
 *    [signal@Sng.Trainer::phase-end] at each place in between where a process may die,
 *    where that is skipped [signal@Sng.Trainer::step-skipped] and the same for
 *    the next window, [signal@Sng.Trainer::step-end]; where a validation is due
 *    [signal@Sng.Trainer::validation-start],
 *    [signal@Sng.Trainer::micro-batch-end] for each of its micro-batches,
 *    [signal@Sng.Trainer::validation-end]; where a checkpoint is due
 *    [signal@Sng.Trainer::checkpoint-saved]; and
 *    [signal@Sng.Trainer::step-finished];
 * 3. [signal@Sng.Trainer::fit-end], or [signal@Sng.Trainer::interrupted] wherever
 *    an error ends the training.
 *
 * A trainer that wraps a foreign loop overrides [vfunc@Sng.Trainer.fit], emits
 * the same signals but the last, and asks [method@Sng.Trainer.check_end] after
 * each of them.
 *
 * Since: 1.0
 */

/**
 * SngTrainerClass:
 * @parent_class: the parent class
 * @fit: trains from the current global step to the last one
 * @restore: puts everything registered back
 *
 * The functions that a trainer may override.
 *
 * Since: 1.0
 */

G_DEFINE_TYPE_WITH_PRIVATE (SngTrainer, sng_trainer, G_TYPE_OBJECT)

guint sng_trainer_signals[SNG_TRAINER_N_SIGNALS];

SngTrainerPrivate *
sng_trainer_get_private (SngTrainer *self)
{
  return sng_trainer_get_instance_private (self);
}

static void
sng_trainer_finalize (GObject *object)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (SNG_TRAINER (object));

  g_clear_object (&priv->model_checkpoint);
  g_clear_object (&priv->average);
  g_clear_object (&priv->early_stopping);
  g_clear_object (&priv->grad_scaler);
  g_clear_object (&priv->registry);
  g_clear_object (&priv->progress);
  g_clear_object (&priv->model);
  g_clear_object (&priv->data_module);
  g_clear_object (&priv->optimizer);
  g_clear_object (&priv->scheduler);
  g_clear_object (&priv->sampler);
  g_clear_object (&priv->masking);
  g_clear_pointer (&priv->parameters, g_ptr_array_unref);
  g_clear_pointer (&priv->window, g_ptr_array_unref);
  g_clear_error (&priv->end_error);

  G_OBJECT_CLASS (sng_trainer_parent_class)->finalize (object);
}

static guint
add_signal (const char *name, guint n_types, const GType *types)
{
  return g_signal_newv (name, SNG_TYPE_TRAINER, G_SIGNAL_RUN_LAST, NULL, NULL, NULL, NULL, G_TYPE_NONE,
                        n_types, (GType *) types);
}

static void
install_signals (void)
{
  const GType phase_end[] = { SNG_TYPE_PHASE, G_TYPE_UINT };
  const GType micro_batch_end[] = { SNG_TYPE_STAGE, G_TYPE_UINT, SNG_TYPE_STATE_DICT, SNG_TYPE_STATE_DICT };
  const GType step_skipped[] = { G_TYPE_UINT };
  const GType checkpoint_saved[] = { G_TYPE_STRING };
  const GType checkpoint_failed[] = { G_TYPE_UINT64, G_TYPE_ERROR };
  const GType interrupted[] = { G_TYPE_ERROR };

  /**
   * SngTrainer::fit-start:
   * @self: the trainer
   *
   * Once, at the beginning of [method@Sng.Trainer.fit], with the state as it was
   * created or restored and the learning rate of the next step set.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_FIT_START] = add_signal ("fit-start", 0, NULL);

  /**
   * SngTrainer::step-start:
   * @self: the trainer
   *
   * Before anything of a step. The global step is still that of the step before.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_STEP_START] = add_signal ("step-start", 0, NULL);

  /**
   * SngTrainer::phase-end:
   * @self: the trainer
   * @phase: what is done
   * @micro_batch: the index of the micro-batch, as in [signal@Sng.Trainer::micro-batch-end];
   *   0 where the phase has none
   *
   * In the midst of a step: after %SNG_PHASE_FORWARD and %SNG_PHASE_BACKWARD of each
   * micro-batch of the training, %SNG_PHASE_OPTIMIZER and %SNG_PHASE_SCHEDULER,
   * which come with or without a schedule, and after the forward pass of each
   * micro-batch of a validation (%SNG_PHASE_VALIDATION). The other phases have signals of
   * their own. Up to %SNG_PHASE_SCHEDULER the global step is still that of the step before.
   *
   * This is where a training can be ended at a bad moment on purpose.
   * There is no state to save here.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_PHASE_END] = add_signal ("phase-end", G_N_ELEMENTS (phase_end), phase_end);

  /**
   * SngTrainer::micro-batch-end:
   * @self: the trainer
   * @stage: whether it was trained or validated on
   * @micro_batch: its index within the step, where it counts on over attempts that
   *   were skipped, or within the validation
   * @batch: the inputs, with "sample_ids" and "n_targets", and in training with "epoch" (an
   *   int64, from 0), which the trainer has put there
   * @outputs: what the model made of them, with "loss"
   *
   * After the forward, in training also the backward pass of a micro-batch. The
   * tensors are those in use: who wants to keep one copies it. In training the
   * global step is still that of the step before.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_MICRO_BATCH_END] =
      add_signal ("micro-batch-end", G_N_ELEMENTS (micro_batch_end), micro_batch_end);

  /**
   * SngTrainer::step-skipped:
   * @self: the trainer
   * @n_skipped: how many attempts at this step were skipped, from 1
   *
   * After the micro-batches of a window whose gradients were infinite or not a number, where a
   * [class@Sng.GradScaler] has lowered its scale for that. Parameters, moments,
   * schedule and global step are as they were; the samples are consumed. The step is
   * attempted again with the next window, which begins with its
   * [signal@Sng.Trainer::micro-batch-end]: so a step has one
   * [signal@Sng.Trainer::step-start], any number of these, and one
   * [signal@Sng.Trainer::step-end]. In between there is no state to save.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_STEP_SKIPPED] =
      add_signal ("step-skipped", G_N_ELEMENTS (step_skipped), step_skipped);

  /**
   * SngTrainer::step-end:
   * @self: the trainer
   *
   * After the optimizer and the scheduler, with the global step moved on.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_STEP_END] = add_signal ("step-end", 0, NULL);

  /**
   * SngTrainer::validation-start:
   * @self: the trainer
   *
   * Before a validation, which comes after [signal@Sng.Trainer::step-end].
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_VALIDATION_START] = add_signal ("validation-start", 0, NULL);

  /**
   * SngTrainer::validation-end:
   * @self: the trainer
   *
   * After a validation.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_VALIDATION_END] = add_signal ("validation-end", 0, NULL);

  /**
   * SngTrainer::checkpoint-saved:
   * @self: the trainer
   * @path: the checkpoint's directory
   *
   * When a checkpoint is complete and durable. In a step that is after the
   * validation. Of one that was saved in the background it comes in a later step, or before
   * [signal@Sng.Trainer::fit-end]: [method@Sng.Trainer.get_last_checkpoint_step] has its step. [signal@Sng.Trainer::step-finished] follows even when a listener
   * ends the training here.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_CHECKPOINT_SAVED] =
      add_signal ("checkpoint-saved", G_N_ELEMENTS (checkpoint_saved), checkpoint_saved);

  /**
   * SngTrainer::checkpoint-failed:
   * @self: the trainer
   * @step: the step whose checkpoint it is
   * @error: why
   *
   * When a checkpoint that was due could not be saved, or one that it supersedes could not be removed. The training
   * then ends with @error, unless [property@Sng.ModelCheckpoint:go-on-after-error] is set. It comes in
   * place of [signal@Sng.Trainer::checkpoint-saved], or after it.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_CHECKPOINT_FAILED] =
      add_signal ("checkpoint-failed", G_N_ELEMENTS (checkpoint_failed), checkpoint_failed);

  /**
   * SngTrainer::step-finished:
   * @self: the trainer
   *
   * The last of a step, after its validation and its checkpoint.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_STEP_FINISHED] = add_signal ("step-finished", 0, NULL);

  /**
   * SngTrainer::fit-end:
   * @self: the trainer
   *
   * When the training has reached its last step, or its [property@Sng.Trainer:early-stopping] has ended it.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_FIT_END] = add_signal ("fit-end", 0, NULL);

  /**
   * SngTrainer::interrupted:
   * @self: the trainer
   * @error: why
   *
   * When an error, from a part or from [method@Sng.Trainer.end_with_error], has
   * ended the training. Nothing follows.
   *
   * Since: 1.0
   */
  sng_trainer_signals[SNG_TRAINER_INTERRUPTED] =
      add_signal ("interrupted", G_N_ELEMENTS (interrupted), interrupted);
}

static void
sng_trainer_class_init (SngTrainerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sng_trainer_finalize;

  klass->fit = sng_trainer_real_fit;
  klass->restore = sng_trainer_real_restore;

  sng_trainer_install_properties (object_class);
  install_signals ();
}

static void
sng_trainer_init (SngTrainer *self)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (self);

  priv->registry = sng_state_registry_new ();
  priv->progress = g_object_new (SNG_TYPE_TRAINING_PROGRESS, NULL);
  priv->window = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * sng_trainer_new:
 *
 * Creates a trainer. Its settings are properties, its parts come with
 * [method@Sng.Trainer.attach].
 *
 * Returns: (transfer full): a new trainer
 *
 * Since: 1.0
 */
SngTrainer *
sng_trainer_new (void)
{
  return g_object_new (SNG_TYPE_TRAINER, NULL);
}

/* A failed vfunc has said why, or someone has asked for the end, whose reason goes first. */
static void
interrupt (SngTrainer *self, GError *failure, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (self);
  GError *end_error = g_atomic_pointer_exchange (&priv->end_error, NULL);

  if (end_error != NULL)
    {
      g_clear_error (&failure);
      failure = end_error;
    }

  g_ptr_array_set_size (priv->window, 0);
  g_signal_emit (self, sng_trainer_signals[SNG_TRAINER_INTERRUPTED], 0, failure);

  /* Whoever heard of the end and asks for it again comes too late. */
  end_error = g_atomic_pointer_exchange (&priv->end_error, NULL);
  g_clear_error (&end_error);
  g_propagate_error (error, failure);
}

/* Whatever has ended the training, what it was saving is there, or known not to be. */
static void
settle (SngTrainer *self, gboolean *succeeded, GError **error)
{
  g_autoptr (GError) failure = NULL;

  if (sng_trainer_settle_checkpoint (self, &failure))
    return;

  if (*succeeded)
    g_propagate_error (error, g_steal_pointer (&failure));
  else
    g_warning ("%s", failure->message);
  *succeeded = FALSE;
}

/**
 * sng_trainer_fit:
 * @self: a trainer with its parts attached
 * @error: return location for a #GError
 *
 * Trains from the current global step up to [property@Sng.Trainer:max-steps].
 * A training that is done already makes no further step.
 *
 * Where it fails, the state is that of the moment and may lie within a step, or
 * between a step and its validation. A training does not go on from there, which
 * is an error: only [method@Sng.Trainer.restore] leads back to a step as a whole.
 *
 * Returns: whether the training reached its last step; otherwise @error is set
 *
 * Since: 1.0
 */
gboolean
sng_trainer_fit (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (self);
  gboolean succeeded;
  GError *local_error = NULL;

  g_return_val_if_fail (SNG_IS_TRAINER (self), FALSE);
  g_return_val_if_fail (!priv->is_fitting, FALSE);

  priv->is_fitting = TRUE;
  succeeded = SNG_TRAINER_GET_CLASS (self)->fit (self, &local_error);
  succeeded = sng_vfunc_check_result (self, "fit", succeeded, &local_error)
              && sng_trainer_check_end (self, &local_error);
  settle (self, &succeeded, &local_error);

  if (!succeeded)
    interrupt (self, local_error, error);

  priv->is_fitting = FALSE;

  return succeeded;
}

/**
 * sng_trainer_end_with_error:
 * @self: a trainer
 * @error: why
 *
 * Asks for the end of the training. [method@Sng.Trainer.fit] returns with @error
 * as soon as the current signal's listeners have returned; where that is
 * [signal@Sng.Trainer::checkpoint-saved], after
 * [signal@Sng.Trainer::step-finished]. The first error wins, and it wins over
 * that of a part that fails meanwhile. Asked before a training, it ends the next
 * one at its first signal.
 *
 * The deliberate interruption of a run has the code %SNG_ERROR_STOP_AND_GO.
 *
 * It may be called from any thread.
 *
 * Since: 1.0
 */
void
sng_trainer_end_with_error (SngTrainer *self, GError *error)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (self);
  g_autoptr (GError) copy = NULL;

  g_return_if_fail (SNG_IS_TRAINER (self));
  g_return_if_fail (error != NULL);

  copy = g_error_copy (error);

  if (g_atomic_pointer_compare_and_exchange (&priv->end_error, NULL, copy))
    copy = NULL;
}

/**
 * sng_trainer_check_end:
 * @self: a trainer
 * @error: return location for a #GError
 *
 * Whether the training may go on. An implementation of [vfunc@Sng.Trainer.fit]
 * asks after each signal, and returns with the error where not.
 *
 * Returns: %FALSE with @error set where someone has asked for the end
 *
 * Since: 1.0
 */
gboolean
sng_trainer_check_end (SngTrainer *self, GError **error)
{
  SngTrainerPrivate *priv = sng_trainer_get_instance_private (self);
  const GError *end_error;

  g_return_val_if_fail (SNG_IS_TRAINER (self), FALSE);

  end_error = g_atomic_pointer_get (&priv->end_error);

  if (end_error == NULL)
    return TRUE;

  if (error != NULL)
    *error = g_error_copy (end_error);

  return FALSE;
}
