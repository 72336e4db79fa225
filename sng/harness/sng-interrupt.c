/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-interrupt.h"

#include "sng-enum-types.h"
#include "sng-error.h"

/**
 * SngInterruptKind:
 * @SNG_INTERRUPT_RAISE: the trainer is told to end with
 *   %SNG_ERROR_STOP_AND_GO between two steps
 *
 * How an [class@Sng.Interrupt] ends a training run.
 *
 * Since: 1.0
 */

/**
 * SngInterrupt:
 *
 * Ends a training run on purpose, with a checkpoint to go on from.
 *
 * Attached to a trainer, it waits for the end of its step: after the validation
 * and the checkpoint of that step, when all that belongs to it is recorded. If
 * the step has saved no checkpoint, it saves one. Then the trainer's
 * [method@Sng.Trainer.fit] fails with %SNG_ERROR_STOP_AND_GO, which whoever
 * attached the interrupt takes as success.
 *
 * Attach it after every callback: they have then heard of the step, and what they
 * recorded is committed.
 *
 * Since: 1.0
 */
struct _SngInterrupt
{
  GObject parent_instance;

  SngInterruptKind kind;
  guint64 step;
};

enum
{
  PROP_0,
  PROP_KIND,
  PROP_STEP,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (SngInterrupt, sng_interrupt, G_TYPE_OBJECT)

static void
sng_interrupt_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngInterrupt *self = SNG_INTERRUPT (object);

  switch (prop_id)
    {
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_STEP:
      g_value_set_uint64 (value, self->step);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_interrupt_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngInterrupt *self = SNG_INTERRUPT (object);

  switch (prop_id)
    {
    case PROP_KIND:
      self->kind = g_value_get_enum (value);
      break;
    case PROP_STEP:
      self->step = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_interrupt_class_init (SngInterruptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_interrupt_get_property;
  object_class->set_property = sng_interrupt_set_property;

  /**
   * SngInterrupt:kind: (getter get_kind)
   *
   * How the run ends.
   *
   * Since: 1.0
   */
  properties[PROP_KIND] =
      g_param_spec_enum ("kind", NULL, NULL, SNG_TYPE_INTERRUPT_KIND, SNG_INTERRUPT_RAISE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngInterrupt:step: (getter get_step)
   *
   * The global step after which the run ends; 0: the first one that saves a
   * checkpoint.
   *
   * Since: 1.0
   */
  properties[PROP_STEP] =
      g_param_spec_uint64 ("step", NULL, NULL, 0, G_MAXUINT64, 0,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_interrupt_init (SngInterrupt *self)
{
}

/**
 * sng_interrupt_new:
 * @kind: how the run ends
 * @step: the global step after which it ends, or 0 for the first one that saves a
 *   checkpoint
 *
 * Creates an interrupt. It does nothing before [method@Sng.Interrupt.attach].
 *
 * Returns: (transfer full): a new interrupt
 *
 * Since: 1.0
 */
SngInterrupt *
sng_interrupt_new (SngInterruptKind kind, guint64 step)
{
  return g_object_new (SNG_TYPE_INTERRUPT, "kind", kind, "step", step, NULL);
}

/**
 * sng_interrupt_get_kind: (get-property kind)
 * @self: an interrupt
 *
 * Tells how the run ends.
 *
 * Returns: how the run ends
 *
 * Since: 1.0
 */
SngInterruptKind
sng_interrupt_get_kind (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), SNG_INTERRUPT_RAISE);

  return self->kind;
}

/**
 * sng_interrupt_get_step: (get-property step)
 * @self: an interrupt
 *
 * Tells when the run ends.
 *
 * Returns: the global step after which the run ends; 0: the first one that saves
 *   a checkpoint
 *
 * Since: 1.0
 */
guint64
sng_interrupt_get_step (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), 0);

  return self->step;
}

static void
step_finished_cb (SngTrainer *trainer, SngInterrupt *self)
{
  guint64 step = sng_trainer_get_global_step (trainer);
  gboolean saved = sng_trainer_get_last_checkpoint_step (trainer) == step;
  g_autoptr (GError) error = NULL;

  if (self->step == 0 ? !saved : step < self->step)
    return;

  if (!saved)
    {
      g_autofree char *path = sng_trainer_save_checkpoint (trainer, &error);

      if (path == NULL)
        {
          sng_trainer_end_with_error (trainer, error);
          return;
        }
    }

  g_set_error (&error, SNG_ERROR, SNG_ERROR_STOP_AND_GO,
               "[interrupt] the training was stopped on purpose after step %" G_GUINT64_FORMAT, step);
  sng_trainer_end_with_error (trainer, error);
}

/**
 * sng_interrupt_attach:
 * @self: an interrupt
 * @trainer: the trainer whose run it ends
 *
 * Makes the interrupt listen to @trainer, which holds a reference to it from
 * then on.
 *
 * Since: 1.0
 */
void
sng_interrupt_attach (SngInterrupt *self, SngTrainer *trainer)
{
  g_return_if_fail (SNG_IS_INTERRUPT (self));
  g_return_if_fail (SNG_IS_TRAINER (trainer));

  g_signal_connect_data (trainer, "step-finished", G_CALLBACK (step_finished_cb), g_object_ref (self),
                         (GClosureNotify) (void (*) (void)) g_object_unref, G_CONNECT_AFTER);
}
