/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which checkpoints a plan keeps. */

#include "train/sng-model-checkpoint-private.h"

#include <math.h>

#include "train/sng-monitor-private.h"

/* Of those that are all kept, only the best one matters. */
guint
sng_model_checkpoint_get_n_ranked (SngModelCheckpoint *self)
{
  return self->save_top_k < 0 ? 1 : (guint) self->save_top_k;
}

gboolean
sng_model_checkpoint_has_state (SngModelCheckpoint *self)
{
  return self->monitor != NULL || self->save_top_k >= 0;
}

const char *
sng_model_checkpoint_get_monitor (SngModelCheckpoint *self)
{
  return self->monitor;
}

/* Never the same for two steps. */
static gboolean
is_better (SngModelCheckpoint *self, const SngCheckpointRank *a, const SngCheckpointRank *b)
{
  if (self->monitor == NULL)
    return a->step > b->step;

  if (isnan (a->score) || isnan (b->score))
    return isnan (a->score) && isnan (b->score) ? a->step < b->step : isnan (b->score);

  return a->score != b->score ? sng_monitor_is_better (self->mode, a->score, b->score) : a->step < b->step;
}

/* Where the best one is, or with @worst the worst one. There is one. */
static guint
find_extreme (SngModelCheckpoint *self, gboolean worst)
{
  const SngCheckpointRank *ranks = (gconstpointer) self->ranks.best->data;
  guint found = 0;

  for (guint i = 1; i < self->ranks.best->len; i++)
    if (is_better (self, &ranks[i], &ranks[found]) != worst)
      found = i;

  return found;
}

static gboolean
is_among_best (SngModelCheckpoint *self, guint64 step)
{
  for (guint i = 0; i < self->ranks.best->len; i++)
    if (g_array_index (self->ranks.best, SngCheckpointRank, i).step == step)
      return TRUE;

  return FALSE;
}

static void
copy_ranks (SngCheckpointRanks *to, const SngCheckpointRanks *from)
{
  g_array_set_size (to->best, 0);
  g_array_append_vals (to->best, from->best->data, from->best->len);
  to->last_step = from->last_step;
}

static gboolean
is_for_good (SngModelCheckpoint *self, guint64 step)
{
  return self->save_top_k < 0 || (self->keep_every > 0 && step % self->keep_every == 0);
}

static void
drop (SngModelCheckpoint *self, guint64 step)
{
  if (!is_for_good (self, step))
    g_array_append_val (self->dropped, step);
}

/* What was kept before and is not any more. */
static void
find_dropped (SngModelCheckpoint *self)
{
  g_array_set_size (self->dropped, 0);

  for (guint i = 0; i < self->before.best->len; i++)
    {
      guint64 step = g_array_index (self->before.best, SngCheckpointRank, i).step;

      if (!is_among_best (self, step) && step != self->ranks.last_step && step != self->before.last_step)
        drop (self, step);
    }

  if (self->before.last_step > 0 && self->before.last_step != self->ranks.last_step
      && !is_among_best (self, self->before.last_step))
    drop (self, self->before.last_step);
}

gboolean
sng_model_checkpoint_enter (SngModelCheckpoint *self, guint64 step, double score)
{
  const SngCheckpointRank rank = { .step = step, .score = self->monitor != NULL ? score : (double) step };

  copy_ranks (&self->before, &self->ranks);
  self->n_left_over = self->left_over->len;

  g_array_append_val (self->ranks.best, rank);
  if (self->ranks.best->len > sng_model_checkpoint_get_n_ranked (self))
    g_array_remove_index (self->ranks.best, find_extreme (self, TRUE));

  if (self->save_last)
    self->ranks.last_step = step;

  find_dropped (self);

  return is_for_good (self, step) || self->save_last || is_among_best (self, step);
}

void
sng_model_checkpoint_revert (SngModelCheckpoint *self)
{
  copy_ranks (&self->ranks, &self->before);
  g_array_set_size (self->left_over, self->n_left_over);
  g_array_set_size (self->dropped, 0);
}

GArray *
sng_model_checkpoint_dup_superseded (SngModelCheckpoint *self)
{
  GArray *steps = g_array_copy (self->left_over);

  g_array_append_vals (steps, self->dropped->data, self->dropped->len);

  return steps;
}

void
sng_model_checkpoint_settle (SngModelCheckpoint *self, gboolean is_removed)
{
  if (is_removed)
    g_array_set_size (self->left_over, 0);
  else
    g_array_append_vals (self->left_over, self->dropped->data, self->dropped->len);
  g_array_set_size (self->dropped, 0);
}

/**
 * sng_model_checkpoint_get_best_step:
 * @self: a plan
 *
 * Gets the step of the best checkpoint: by what is monitored or, where nothing is and only some
 * checkpoints are kept, the newest one.
 *
 * Returns: the step; 0 where there is none
 *
 * Since: 1.0
 */
guint64
sng_model_checkpoint_get_best_step (SngModelCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_MODEL_CHECKPOINT (self), 0);

  return self->ranks.best->len > 0
             ? g_array_index (self->ranks.best, SngCheckpointRank, find_extreme (self, FALSE)).step
             : 0;
}

/**
 * sng_model_checkpoint_get_best_score:
 * @self: a plan
 *
 * Gets what was monitored at [method@Sng.ModelCheckpoint.get_best_step].
 *
 * Returns: the score; NaN where nothing is monitored, or there is no checkpoint
 *
 * Since: 1.0
 */
double
sng_model_checkpoint_get_best_score (SngModelCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_MODEL_CHECKPOINT (self), NAN);

  return self->monitor != NULL && self->ranks.best->len > 0
             ? g_array_index (self->ranks.best, SngCheckpointRank, find_extreme (self, FALSE)).score
             : NAN;
}
