/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-interrupt-private.h"

#include "sng-enum-types.h"
#include "sng-signal-name-private.h"

/**
 * SngInterruptKind:
 * @SNG_INTERRUPT_RAISE: the trainer is told to end with
 *   %SNG_ERROR_STOP_AND_GO, as an exception would end it
 * @SNG_INTERRUPT_PREEMPT: a signal asks for the end: the step is finished and saved, and the
 *   trainer ends with %SNG_ERROR_PREEMPTED, see [class@Sng.Preemption]
 * @SNG_INTERRUPT_KILL: SIGKILL ends the process, and nothing says goodbye
 * @SNG_INTERRUPT_KILL_IN_SAVE: SIGKILL ends the process before one of the storage
 *   operations of a save
 *
 * How an [class@Sng.Interrupt] ends a training run.
 *
 * Since: 1.0
 */

/**
 * SngInterrupt:
 *
 * Ends a training run on purpose: at a step, at a place within it, in a way.
 *
 * The step is the one at work, be it before its first micro-batch or after its checkpoint. The place is a
 * [enum@Sng.Phase], for some of them with the index of a micro-batch.
 *
 * With %SNG_INTERRUPT_RAISE [method@Sng.Trainer.fit] fails with
 * %SNG_ERROR_STOP_AND_GO, which whoever attached the interrupt takes as success. At
 * %SNG_PHASE_STEP_FINISHED it has a checkpoint to go on from: if the step has
 * saved none, the interrupt saves one. In the midst of a step it raises at once and saves nothing, and a
 * resume goes on from an older checkpoint. In a save it lets the save finish.
 *
 * With %SNG_INTERRUPT_PREEMPT a signal is raised in this process, and the interrupt
 * brings the [class@Sng.Preemption] that handles it.
 *
 * With %SNG_INTERRUPT_KILL and %SNG_INTERRUPT_KILL_IN_SAVE the process is gone.
 *
 * %SNG_PHASE_SAVE is within the save of the step's checkpoint, before the operation of number
 * [property@Sng.Interrupt:operation] in the store's directory. Operations are all that changes the file system:
 * creations, writes, syncs, closes, renames and removals, also of checkpoints that are not kept any more. If the step
 * saves none, the interrupt saves one. A save with fewer operations ends in peace.
 *
 * Attach it after every callback: they have then heard of the step, and what they
 * recorded is committed.
 *
 * Since: 1.0
 */

enum
{
  PROP_0,
  PROP_KIND,
  PROP_STEP,
  PROP_PHASE,
  PROP_INDEX,
  PROP_SIGNAL,
  PROP_OPERATION,
  N_PROPS
};

enum
{
  FIRED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

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
    case PROP_PHASE:
      g_value_set_enum (value, self->phase);
      break;
    case PROP_INDEX:
      g_value_set_uint (value, self->index);
      break;
    case PROP_SIGNAL:
      g_value_set_int (value, self->signal_number);
      break;
    case PROP_OPERATION:
      g_value_set_uint (value, self->operation);
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
    case PROP_PHASE:
      self->phase = g_value_get_enum (value);
      break;
    case PROP_INDEX:
      self->index = g_value_get_uint (value);
      break;
    case PROP_SIGNAL:
      self->signal_number = g_value_get_int (value);
      break;
    case PROP_OPERATION:
      self->operation = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_interrupt_constructed (GObject *object)
{
  SngInterrupt *self = SNG_INTERRUPT (object);

  G_OBJECT_CLASS (sng_interrupt_parent_class)->constructed (object);

  if (self->kind == SNG_INTERRUPT_KILL_IN_SAVE)
    self->phase = SNG_PHASE_SAVE;

  /* What does not count is as it is by default, so that it makes no difference. */
  if (!sng_phase_has_micro_batches (self->phase))
    self->index = 0;
  if (self->phase != SNG_PHASE_SAVE)
    self->operation = 1;
  if (self->kind != SNG_INTERRUPT_PREEMPT)
    self->signal_number = SIGTERM;
}

static void
sng_interrupt_class_init (SngInterruptClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_interrupt_get_property;
  object_class->set_property = sng_interrupt_set_property;
  object_class->constructed = sng_interrupt_constructed;

  /**
   * SngInterrupt:kind: (getter get_kind)
   *
   * How the run ends.
   *
   * Since: 1.0
   */
  properties[PROP_KIND] =
      g_param_spec_enum ("kind", NULL, NULL, SNG_TYPE_INTERRUPT_KIND, SNG_INTERRUPT_RAISE, flags);

  /**
   * SngInterrupt:step: (getter get_step)
   *
   * The global step in which the run ends, or 0: the first time that a step comes to
   * [property@Sng.Interrupt:phase]; in %SNG_PHASE_STEP_FINISHED the first one that saves a checkpoint.
   *
   * Since: 1.0
   */
  properties[PROP_STEP] = g_param_spec_uint64 ("step", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngInterrupt:phase: (getter get_phase)
   *
   * Where in the step it ends. In %SNG_INTERRUPT_KILL_IN_SAVE that is %SNG_PHASE_SAVE.
   *
   * Since: 1.0
   */
  properties[PROP_PHASE] =
      g_param_spec_enum ("phase", NULL, NULL, SNG_TYPE_PHASE, SNG_PHASE_STEP_FINISHED, flags);

  /**
   * SngInterrupt:index: (getter get_index)
   *
   * The index of the micro-batch, in %SNG_PHASE_FORWARD and %SNG_PHASE_BACKWARD
   * within the step, in %SNG_PHASE_VALIDATION within the validation.
   *
   * Since: 1.0
   */
  properties[PROP_INDEX] = g_param_spec_uint ("index", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * SngInterrupt:signal: (getter get_signal)
   *
   * The number of the signal that %SNG_INTERRUPT_PREEMPT raises.
   *
   * Since: 1.0
   */
  properties[PROP_SIGNAL] = g_param_spec_int ("signal", NULL, NULL, 1, SNG_N_SIGNALS - 1, SIGTERM, flags);

  /**
   * SngInterrupt:operation: (getter get_operation)
   *
   * The number of the storage operation, from 1, before which it acts in %SNG_PHASE_SAVE.
   *
   * Since: 1.0
   */
  properties[PROP_OPERATION] = g_param_spec_uint ("operation", NULL, NULL, 1, G_MAXUINT, 1, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);

  /**
   * SngInterrupt::fired:
   * @self: the interrupt
   *
   * Once, right before it acts, in the thread of the training. With %SNG_INTERRUPT_KILL and
   * %SNG_INTERRUPT_KILL_IN_SAVE it is the last that this process hears of it.
   *
   * Since: 1.0
   */
  signals[FIRED] =
      g_signal_new ("fired", SNG_TYPE_INTERRUPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sng_interrupt_init (SngInterrupt *self)
{
}

void
sng_interrupt_emit_fired (SngInterrupt *self)
{
  g_signal_emit (self, signals[FIRED], 0);
}

gboolean
sng_phase_has_micro_batches (SngPhase phase)
{
  return phase == SNG_PHASE_FORWARD || phase == SNG_PHASE_BACKWARD || phase == SNG_PHASE_VALIDATION;
}

/* Where a phase comes in a step; those of the micro-batches come in turns. */
static guint64
get_rank (SngPhase phase)
{
  const guint64 ranks[] = {
    [SNG_PHASE_STEP_START] = 0, [SNG_PHASE_FORWARD] = 1,       [SNG_PHASE_BACKWARD] = 1,
    [SNG_PHASE_OPTIMIZER] = 2,  [SNG_PHASE_SCHEDULER] = 3,     [SNG_PHASE_VALIDATION] = 4,
    [SNG_PHASE_SAVE] = 5,       [SNG_PHASE_STEP_FINISHED] = 6,
  };

  return ranks[phase];
}

int
sng_interrupt_compare (SngInterrupt *a, SngInterrupt *b)
{
  const guint64 keys[][2] = {
    { a->step, b->step },
    { get_rank (a->phase), get_rank (b->phase) },
    { a->index, b->index },
    { a->phase, b->phase },
    { a->operation, b->operation },
    { a->kind, b->kind },
    { (guint64) a->signal_number, (guint64) b->signal_number },
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keys[i][0] != keys[i][1])
      return keys[i][0] < keys[i][1] ? -1 : 1;

  return 0;
}

/**
 * sng_interrupt_new:
 * @kind: how the run ends
 * @step: the global step in which it ends, or 0, see [property@Sng.Interrupt:step]
 *
 * Creates an interrupt at the end of a step, or with %SNG_INTERRUPT_KILL_IN_SAVE in its save.
 * It does nothing before [method@Sng.Interrupt.attach]. Other places are properties, or see
 * [func@Sng.Interrupt.from_string].
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
 * Returns: the global step in which the run ends; 0: see [property@Sng.Interrupt:step]
 *
 * Since: 1.0
 */
guint64
sng_interrupt_get_step (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), 0);

  return self->step;
}

/**
 * sng_interrupt_get_phase: (get-property phase)
 * @self: an interrupt
 *
 * Tells where in its step the run ends.
 *
 * Returns: the phase
 *
 * Since: 1.0
 */
SngPhase
sng_interrupt_get_phase (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), SNG_PHASE_STEP_FINISHED);

  return self->phase;
}

/**
 * sng_interrupt_get_index: (get-property index)
 * @self: an interrupt
 *
 * Tells at which micro-batch the run ends, where its phase has any.
 *
 * Returns: the index of the micro-batch, from 0
 *
 * Since: 1.0
 */
guint
sng_interrupt_get_index (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), 0);

  return self->index;
}

/**
 * sng_interrupt_get_signal: (get-property signal)
 * @self: an interrupt
 *
 * Tells which signal %SNG_INTERRUPT_PREEMPT raises.
 *
 * Returns: the number of the signal
 *
 * Since: 1.0
 */
int
sng_interrupt_get_signal (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), 0);

  return self->signal_number;
}

/**
 * sng_interrupt_get_operation: (get-property operation)
 * @self: an interrupt
 *
 * Tells before which storage operation the run ends, in %SNG_PHASE_SAVE.
 *
 * Returns: the number of the operation, from 1
 *
 * Since: 1.0
 */
guint
sng_interrupt_get_operation (SngInterrupt *self)
{
  g_return_val_if_fail (SNG_IS_INTERRUPT (self), 0);

  return self->operation;
}
