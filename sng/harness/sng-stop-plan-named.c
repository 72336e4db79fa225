/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The plans that follow from what an uninterrupted training has recorded. */

#include "harness/sng-stop-plan-private.h"

#include <signal.h>

#include "record/sng-run-store-private.h"
#include "sng-error.h"
#include "tensor/sng-philox-private.h"

/* Any save has so many storage operations, however little is to be saved. */
#define N_OPERATIONS 15

static void
add_stop (SngStopPlan *self, guint64 step, guint64 last_step)
{
  g_autoptr (SngInterrupt) interrupt = NULL;

  if (step == 0 || step >= last_step)
    return;

  interrupt = sng_interrupt_new (SNG_INTERRUPT_RAISE, step);
  sng_stop_plan_add (self, interrupt);
}

static void
add_stops_around (SngStopPlan *self, guint64 step, guint64 last_step)
{
  if (step > 0)
    add_stop (self, step - 1, last_step);
  add_stop (self, step + 1, last_step);
}

/* The last step of each epoch: the next samples are of a later one. */
gboolean
sng_stop_plan_add_epoch_ends (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (continuous, "SampleIds", 0, last_step, error);
  guint64 previous = G_MAXUINT64;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      GVariant *value = sng_metadata_get_value (entry);
      guint64 epoch;

      if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("(tax)")))
        continue;

      g_variant_get_child (value, 0, "t", &epoch);
      if (epoch > previous)
        add_stop (self, sng_metadata_get_step (g_ptr_array_index (entries, i - 1)), last_step);
      previous = epoch;
    }

  return entries != NULL;
}

static gboolean
add_validations (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (continuous, "ConsumedSamples", 0, last_step, error);

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);

      if (sng_metadata_get_stage (entry) == SNG_STAGE_VALIDATE)
        add_stops_around (self, sng_metadata_get_step (entry), last_step);
    }

  return entries != NULL;
}

/* A number that is recorded after each step, in the order of the steps. */
typedef struct
{
  guint64 step;
  double value;
} Number;

static GArray *
read_numbers (SngRunStore *store, const char *metric, const char *path, guint64 last_step, GError **error)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, metric, 0, last_step, error);
  GArray *numbers;

  if (entries == NULL)
    return NULL;

  numbers = g_array_new (FALSE, FALSE, sizeof (Number));

  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      GVariant *value = sng_metadata_get_value (entry);

      if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE)
          && g_str_equal (sng_metadata_get_path (entry), path))
        {
          Number number = { sng_metadata_get_step (entry), g_variant_get_double (value) };

          g_array_append_val (numbers, number);
        }
    }

  return numbers;
}

/* -1, 0 or 1: whether the number at a position is below the one before it. */
static int
get_direction (GArray *numbers, guint position)
{
  double previous = g_array_index (numbers, Number, position - 1).value;
  double value = g_array_index (numbers, Number, position).value;

  return (value > previous) - (value < previous);
}

/* The steps from which on the learning rate takes another direction. */
static gboolean
add_milestones (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  g_autoptr (GArray) rates = read_numbers (continuous, "LearningRate", "", last_step, error);

  for (guint i = 2; rates != NULL && i < rates->len; i++)
    if (get_direction (rates, i) != get_direction (rates, i - 1))
      add_stops_around (self, g_array_index (rates, Number, i - 1).step, last_step);

  return rates != NULL;
}

static gboolean
add_growths (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  g_autoptr (GArray) scales = read_numbers (continuous, "GradScalerState", "scale", last_step, error);

  for (guint i = 1; scales != NULL && i < scales->len; i++)
    if (get_direction (scales, i) > 0)
      add_stops_around (self, g_array_index (scales, Number, i).step, last_step);

  return scales != NULL;
}

gboolean
sng_stop_plan_add_boundaries (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  if (!sng_stop_plan_add_epoch_ends (self, continuous, last_step, error)
      || !add_validations (self, continuous, last_step, error)
      || !add_milestones (self, continuous, last_step, error)
      || !add_growths (self, continuous, last_step, error))
    return FALSE;

  if (sng_stop_plan_get_n_interrupts (self) > 0)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "there is no end of an epoch, no validation and no turn of learning rate or loss scale to "
               "stop at before"
               " step %" G_GUINT64_FORMAT,
               last_step);

  return FALSE;
}

gboolean
sng_stop_plan_add_every (SngStopPlan *self, SngRunStore *continuous, guint64 last_step, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  guint64 step = 0;

  while (sng_run_store_find_step (continuous, step + 1, &step, &local_error) && step < last_step)
    add_stop (self, step, last_step);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (sng_stop_plan_get_n_interrupts (self) > 0)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "no step before step %" G_GUINT64_FORMAT " was recorded, which is the last one", last_step);

  return FALSE;
}

/* Numbers that follow from a seed and a step. */
typedef struct
{
  guint64 seed;
  guint64 step;
  guint32 n_drawn;
} Draw;

static guint32
draw_bits (Draw *draw)
{
  const guint32 counter[4] = { (guint32) draw->step, (guint32) (draw->step >> 32), draw->n_drawn++, 0 };
  guint32 output[4];

  sng_philox4x32 (draw->seed, counter, output);

  return output[0];
}

/* Below n. */
static guint
draw_below (Draw *draw, guint n)
{
  return (guint) (((guint64) draw_bits (draw) * n) >> 32);
}

/* How many micro-batches a step has in training and in its validation. */
static gboolean
count_micro_batches (SngRunStore *store, guint64 step, guint n_micro_batches[2], GError **error)
{
  g_autoptr (GPtrArray) entries = sng_run_store_query (store, NULL, step, step, error);

  n_micro_batches[SNG_STAGE_TRAIN] = n_micro_batches[SNG_STAGE_VALIDATE] = 0;

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      SngStage stage = sng_metadata_get_stage (entry);

      n_micro_batches[stage] =
          MAX (n_micro_batches[stage], (guint) (sng_metadata_get_micro_batch (entry) + 1));
    }

  return entries != NULL;
}

/* A phase that the step has. */
static SngPhase
draw_phase (Draw *draw, const guint n_micro_batches[2])
{
  SngPhase phases[SNG_PHASE_SAVE + 1];
  guint n = 0;

  for (SngPhase phase = SNG_PHASE_STEP_START; phase <= SNG_PHASE_SAVE; phase++)
    {
      gboolean is_training = phase == SNG_PHASE_FORWARD || phase == SNG_PHASE_BACKWARD;

      if ((!is_training || n_micro_batches[SNG_STAGE_TRAIN] > 0)
          && (phase != SNG_PHASE_VALIDATION || n_micro_batches[SNG_STAGE_VALIDATE] > 0))
        phases[n++] = phase;
    }

  return phases[draw_below (draw, n)];
}

static gboolean
add_random (SngStopPlan *self, SngRunStore *continuous, guint64 seed, guint64 step, GError **error)
{
  static const int signals[] = { SIGTERM, SIGUSR1, SIGUSR2 };
  Draw draw = { seed, step, 1 };
  g_autoptr (SngInterrupt) interrupt = NULL;
  guint n_micro_batches[2];
  SngInterruptKind kind;
  SngPhase phase;
  guint n_places;

  if (!count_micro_batches (continuous, step, n_micro_batches, error))
    return FALSE;

  kind = (SngInterruptKind) draw_below (&draw, SNG_INTERRUPT_KILL_IN_SAVE + 1);
  phase = draw_phase (&draw, n_micro_batches);
  n_places = n_micro_batches[phase == SNG_PHASE_VALIDATION ? SNG_STAGE_VALIDATE : SNG_STAGE_TRAIN];
  interrupt = g_object_new (SNG_TYPE_INTERRUPT, "kind", kind, "step", step, "phase", phase, "index",
                            draw_below (&draw, n_places), "operation", 1 + draw_below (&draw, N_OPERATIONS),
                            "signal", signals[draw_below (&draw, G_N_ELEMENTS (signals))], NULL);
  sng_stop_plan_add (self, interrupt);

  return TRUE;
}

typedef struct
{
  guint32 rank;
  guint64 step;
} Ranked;

static int
compare_ranked (gconstpointer a, gconstpointer b)
{
  const Ranked *first = a, *second = b;

  if (first->rank != second->rank)
    return first->rank < second->rank ? -1 : 1;

  return first->step < second->step ? -1 : first->step > second->step;
}

/* After an interrupt in a step the training comes to every later one, but not to every place of the same one. */
gboolean
sng_stop_plan_add_random (SngStopPlan *self,
                          SngRunStore *continuous,
                          guint64 last_step,
                          guint64 seed,
                          guint64 n,
                          GError **error)
{
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (Ranked));

  for (guint64 step = 1; step < last_step; step++)
    {
      Draw draw = { seed, step, 0 };
      Ranked ranked = { draw_bits (&draw), step };

      g_array_append_val (steps, ranked);
    }

  if (n > steps->len)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "a training of %" G_GUINT64_FORMAT
                   " steps can be stopped in %u of them, not in %" G_GUINT64_FORMAT,
                   last_step, steps->len, n);
      return FALSE;
    }

  g_array_sort (steps, compare_ranked);

  for (guint64 i = 0; i < n; i++)
    if (!add_random (self, continuous, seed, g_array_index (steps, Ranked, i).step, error))
      return FALSE;

  return TRUE;
}
