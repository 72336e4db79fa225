/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Faults of random numbers, of the order and the place of the data, and of the schedule. */

#include "harness/sng-fault-plants-private.h"

#include "train/sng-trainer-private.h"

/* The model's stream where it has one, else that of the data. */
static const char *
choose_stream (SngFaultContext *context)
{
  return sng_checkpoint_lookup_state (context->checkpoint, "rng/dropout") != NULL ? "rng/dropout"
                                                                                  : "rng/masking";
}

gboolean
sng_fault_plant_rng_reseeded (SngFaultContext *context, GError **error)
{
  return sng_fault_put_count (context, choose_stream (context), "position", 0);
}

gboolean
sng_fault_plant_rng_extra_draw (SngFaultContext *context, GError **error)
{
  return sng_fault_move_count (context, "rng/masking", "position", 1);
}

/* ---- Samples ---- */

typedef struct
{
  SngStateDict *state;
  guint64 epoch;
  guint64 position; /* of the next sample in the epoch */
  guint64 n_samples;
} Cursor;

static gboolean
read_cursor (SngStateDict *state, Cursor *cursor)
{
  cursor->state = state;

  return sng_fault_get_count (state, "epoch", &cursor->epoch)
         && sng_fault_get_count (state, "position", &cursor->position)
         && sng_fault_get_count (state, "n_samples", &cursor->n_samples);
}

static gboolean
get_cursor (SngFaultContext *context, Cursor *cursor)
{
  SngStateDict *state = sng_fault_get_state (context, "sampler");

  return state != NULL && read_cursor (state, cursor);
}

/* In the middle of an epoch; otherwise the fault is declined. */
static gboolean
get_cursor_within_epoch (SngFaultContext *context, Cursor *cursor)
{
  if (!get_cursor (context, cursor))
    return FALSE;

  if (cursor->position == 0)
    sng_fault_decline (context, SNG_FAULT_NOT_PLANTED,
                       "nothing was lost: the epoch %" G_GUINT64_FORMAT " has just begun", cursor->epoch);

  return cursor->position > 0;
}

static void
set_cursor (const Cursor *cursor, guint64 epoch, guint64 position)
{
  sng_fault_set_count (cursor->state, "epoch", epoch);
  sng_fault_set_count (cursor->state, "position", position);
}

gboolean
sng_fault_plant_data_restart (SngFaultContext *context, GError **error)
{
  Cursor cursor;

  if (get_cursor_within_epoch (context, &cursor))
    set_cursor (&cursor, cursor.epoch, 0);

  return TRUE;
}

gboolean
sng_fault_plant_data_skip (SngFaultContext *context, GError **error)
{
  guint n = sng_trainer_get_private (context->trainer)->micro_batch_size;
  Cursor cursor;

  if (!get_cursor (context, &cursor))
    return TRUE;

  if (cursor.position + n < cursor.n_samples)
    set_cursor (&cursor, cursor.epoch, cursor.position + n);
  else
    set_cursor (&cursor, cursor.epoch + 1, 0);

  return TRUE;
}

gboolean
sng_fault_plant_data_repeat (SngFaultContext *context, GError **error)
{
  guint n = sng_trainer_get_private (context->trainer)->micro_batch_size;
  Cursor cursor;

  if (get_cursor_within_epoch (context, &cursor))
    set_cursor (&cursor, cursor.epoch, cursor.position - MIN (n, cursor.position));

  return TRUE;
}

gboolean
sng_fault_plant_data_permutation (SngFaultContext *context, GError **error)
{
  Cursor cursor;

  if (!get_cursor (context, &cursor))
    return TRUE;

  if (cursor.epoch == 0)
    return sng_fault_decline (context, SNG_FAULT_NOT_PLANTED, "nothing was lost: it is the epoch 0");

  set_cursor (&cursor, 0, cursor.position);

  return TRUE;
}

gboolean
sng_fault_plant_data_rest_dropped (SngFaultContext *context, GError **error)
{
  Cursor cursor;

  if (get_cursor_within_epoch (context, &cursor))
    set_cursor (&cursor, cursor.epoch + 1, 0);

  return TRUE;
}

/* The epoch that is to come has nothing left to give. */
gboolean
sng_fault_plant_data_exhausted (SngFaultContext *context, GError **error)
{
  Cursor cursor;

  if (!get_cursor (context, &cursor))
    return TRUE;

  if (cursor.position > 0)
    return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                              "%" G_GUINT64_FORMAT " samples of the epoch %" G_GUINT64_FORMAT " are left",
                              cursor.n_samples - cursor.position, cursor.epoch);

  set_cursor (&cursor, cursor.epoch + 1, 0);

  return TRUE;
}

/* The checkpoint before is where the run began that saved this one. */
gboolean
sng_fault_plant_data_second (SngFaultContext *context, GError **error)
{
  g_autoptr (SngCheckpoint) older = NULL;
  g_autoptr (GError) local_error = NULL;
  SngStateDict *state;
  Cursor cursor, begin;

  if (!get_cursor_within_epoch (context, &cursor))
    return TRUE;

  older = sng_fault_load_older (context, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  state = older != NULL ? sng_checkpoint_lookup_state (older, "sampler") : NULL;
  if (state == NULL || !read_cursor (state, &begin) || begin.epoch != cursor.epoch || begin.position == 0)
    return sng_fault_decline (context, SNG_FAULT_NOT_APPLICABLE,
                              "the training was not stopped before in the epoch %" G_GUINT64_FORMAT,
                              cursor.epoch);

  set_cursor (&cursor, cursor.epoch, cursor.position - begin.position);

  return TRUE;
}

/* ---- Schedule ---- */

gboolean
sng_fault_plant_lr_reset (SngFaultContext *context, GError **error)
{
  return sng_fault_put_count (context, "scheduler", "count", 0);
}

gboolean
sng_fault_plant_lr_off_by_one (SngFaultContext *context, GError **error)
{
  return sng_fault_move_count (context, "scheduler", "count", -1);
}

gboolean
sng_fault_plant_lr_double_forward (SngFaultContext *context, GError **error)
{
  return sng_fault_move_count (context, "scheduler", "count",
                               (gint64) sng_checkpoint_get_step (context->checkpoint));
}
