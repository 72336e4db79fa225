/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-model-checkpoint-private.h"

#include <math.h>

#include "sng-enum-types.h"
#include "sng-error.h"
#include "train/sng-monitor-private.h"
#include "train/sng-settings-private.h"

/**
 * SngModelCheckpoint:
 *
 * When a [class@Sng.Trainer] saves its state, where, and what it keeps of that.
 *
 * ```c
 * g_autoptr (SngModelCheckpoint) checkpoint = sng_model_checkpoint_new ("checkpoints", 100);
 *
 * g_object_set (trainer, "model-checkpoint", checkpoint, NULL);
 * ```
 *
 * By default every checkpoint is kept. With [property@Sng.ModelCheckpoint:save-top-k] only the best ones by
 * [property@Sng.ModelCheckpoint:monitor] are, or the newest ones where nothing is monitored:
 *
 * - A checkpoint that is due and would not be among the best is not saved, unless
 *   [property@Sng.ModelCheckpoint:save-last] keeps the newest one whatever its rank.
 * - Of two with the same score the earlier one is the better one. What is no number, as the loss before the
 *   first validation, is worse than any number.
 * - One that is not kept any more is removed when the one that takes its place is durable, so that whatever
 *   happens meanwhile there is one to go on from. A process that is killed right in between leaves one too
 *   many. The newest one that was saved is never removed.
 * - One that is to be removed and is not there, as after a resume that saves to a directory of its own, is
 *   no error.
 * - What [method@Sng.Trainer.save_checkpoint] saves at a step at which none is due has no rank, and is never
 *   removed.
 *
 * These are the rules of Lightning's `ModelCheckpoint`, where a tie is not decided by age alone.
 * There a checkpoint by the count of steps comes before the validation of its step, and is ranked by
 * the one before. Here it comes after it. Where no validation belongs to its step, `valid_loss` is that of
 * the newest one: let [property@Sng.ModelCheckpoint:every-n-train-steps] be a multiple of
 * [property@Sng.Trainer:val-check-interval] to rank each by its own.
 *
 * A plan that keeps everything and monitors nothing has no state. Any other one is registered with
 * the trainer as "model-checkpoint", so that a resumed training keeps the same checkpoints as one that was never
 * stopped. The state is `best`, the steps and scores of the best ones by ascending step, `last_step`,
 * the newest one, and the settings `monitor`, `mode`, `save_top_k` and `save_last`. Other settings than one's
 * own are refused.
 *
 * Since: 1.0
 */

/* The best ones in a state: steps and scores. */
#define BEST_TYPE "a(td)"

typedef struct
{
  guint64 step;
  double score;
} Rank;

typedef struct
{
  GArray *best;      /* of Rank, by ascending step */
  guint64 last_step; /* the newest one that was saved; 0: none */
} Ranks;

struct _SngModelCheckpoint
{
  GObject parent_instance;

  char *directory;
  guint64 every_n_train_steps;
  gboolean save_last;
  char *monitor; /* NULL: nothing */
  SngMonitorMode mode;
  int save_top_k;

  SngCheckpointStore *store;

  Ranks ranks;
  Ranks before;    /* the last one was entered */
  GArray *dropped; /* steps that are to be removed when it is saved */
};

static void sng_model_checkpoint_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngModelCheckpoint,
                               sng_model_checkpoint,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_model_checkpoint_stateful_init))

enum
{
  PROP_0,
  PROP_DIRECTORY,
  PROP_EVERY_N_TRAIN_STEPS,
  PROP_SAVE_LAST,
  PROP_MONITOR,
  PROP_MODE,
  PROP_SAVE_TOP_K,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

/* How many are ranked: of those that are all kept, only the best one matters. */
static guint
get_n_ranked (SngModelCheckpoint *self)
{
  return self->save_top_k < 0 ? 1 : (guint) self->save_top_k;
}

static GVariant *
best_to_variant (const GArray *best)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (BEST_TYPE));

  for (guint i = 0; i < best->len; i++)
    g_variant_builder_add (&builder, "(td)", g_array_index (best, Rank, i).step,
                           g_array_index (best, Rank, i).score);

  return g_variant_builder_end (&builder);
}

static SngStateDict *
sng_model_checkpoint_get_state (SngStateful *stateful, GError **error)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "best", best_to_variant (self->ranks.best));
  sng_state_dict_set_value (state, "last_step", g_variant_new_uint64 (self->ranks.last_step));
  sng_monitor_set_state (state, self->monitor, self->mode);
  sng_state_dict_set_value (state, "save_top_k", g_variant_new_int32 (self->save_top_k));
  sng_state_dict_set_value (state, "save_last", g_variant_new_boolean (self->save_last));

  return g_steal_pointer (&state);
}

/* Returns: the ranks of @best, or NULL with @error set. */
static GArray *
read_best (SngModelCheckpoint *self, GVariant *best, const char *place, GError **error)
{
  g_autoptr (GArray) ranks = g_array_new (FALSE, FALSE, sizeof (Rank));
  gboolean fits = g_variant_is_of_type (best, G_VARIANT_TYPE (BEST_TYPE))
                  && g_variant_n_children (best) <= get_n_ranked (self);

  for (gsize i = 0; fits && i < g_variant_n_children (best); i++)
    {
      Rank rank;

      g_variant_get_child (best, i, "(td)", &rank.step, &rank.score);
      fits = i == 0 || rank.step > g_array_index (ranks, Rank, i - 1).step;
      g_array_append_val (ranks, rank);
    }

  if (!fits)
    {
      g_autofree char *text = g_variant_print (best, FALSE);

      g_set_error (
          error, SNG_ERROR, SNG_ERROR_MISMATCH,
          "%s best: the checkpoint has %s, expected are up to %u ascending steps, each with its score", place,
          text, get_n_ranked (self));
      return NULL;
    }

  return g_steal_pointer (&ranks);
}

static gboolean
read_state (SngModelCheckpoint *self, SngStateDict *state, Ranks *ranks, GError **error)
{
  const char *const varying[] = { "best", "last_step", NULL };
  const char *place = "[model-checkpoint][restore]";
  g_autoptr (SngStateDict) own = sng_model_checkpoint_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "last_step", &ranks->last_step, error))
    return FALSE;

  ranks->best = read_best (self, sng_state_dict_lookup_value (state, "best"), place, error);

  return ranks->best != NULL;
}

static gboolean
sng_model_checkpoint_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  Ranks ranks = { NULL, 0 };
  gboolean fits = read_state (SNG_MODEL_CHECKPOINT (stateful), state, &ranks, error);

  g_clear_pointer (&ranks.best, g_array_unref);

  return fits;
}

static gboolean
sng_model_checkpoint_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (stateful);
  Ranks ranks = { NULL, 0 };

  if (!read_state (self, state, &ranks, error))
    return FALSE;

  g_array_unref (self->ranks.best);
  self->ranks = ranks;

  return TRUE;
}

static void
sng_model_checkpoint_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_model_checkpoint_get_state;
  iface->check_state = sng_model_checkpoint_check_state;
  iface->set_state = sng_model_checkpoint_set_state;
}

static void
sng_model_checkpoint_constructed (GObject *object)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (object);

  G_OBJECT_CLASS (sng_model_checkpoint_parent_class)->constructed (object);

  self->store = sng_checkpoint_store_new (self->directory);
}

static void
sng_model_checkpoint_finalize (GObject *object)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (object);

  g_clear_pointer (&self->directory, g_free);
  g_clear_pointer (&self->monitor, g_free);
  g_clear_object (&self->store);
  g_clear_pointer (&self->ranks.best, g_array_unref);
  g_clear_pointer (&self->before.best, g_array_unref);
  g_clear_pointer (&self->dropped, g_array_unref);

  G_OBJECT_CLASS (sng_model_checkpoint_parent_class)->finalize (object);
}

static void
sng_model_checkpoint_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (object);

  switch (prop_id)
    {
    case PROP_DIRECTORY:
      g_value_set_string (value, self->directory);
      break;

    case PROP_EVERY_N_TRAIN_STEPS:
      g_value_set_uint64 (value, self->every_n_train_steps);
      break;

    case PROP_SAVE_LAST:
      g_value_set_boolean (value, self->save_last);
      break;

    case PROP_MONITOR:
      g_value_set_string (value, self->monitor);
      break;

    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;

    case PROP_SAVE_TOP_K:
      g_value_set_int (value, self->save_top_k);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_model_checkpoint_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (object);

  switch (prop_id)
    {
    case PROP_DIRECTORY:
      self->directory = g_value_dup_string (value);
      break;

    case PROP_EVERY_N_TRAIN_STEPS:
      self->every_n_train_steps = g_value_get_uint64 (value);
      break;

    case PROP_SAVE_LAST:
      self->save_last = g_value_get_boolean (value);
      break;

    case PROP_MONITOR:
      self->monitor = g_value_dup_string (value);
      break;

    case PROP_MODE:
      self->mode = g_value_get_enum (value);
      break;

    case PROP_SAVE_TOP_K:
      self->save_top_k = g_value_get_int (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_model_checkpoint_class_init (SngModelCheckpointClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = sng_model_checkpoint_constructed;
  object_class->finalize = sng_model_checkpoint_finalize;
  object_class->get_property = sng_model_checkpoint_get_property;
  object_class->set_property = sng_model_checkpoint_set_property;

  /**
   * SngModelCheckpoint:directory:
   *
   * Where the checkpoints are. It is created with the first one.
   *
   * Since: 1.0
   */
  properties[PROP_DIRECTORY] = g_param_spec_string ("directory", NULL, NULL, "checkpoints", flags);

  /**
   * SngModelCheckpoint:every-n-train-steps:
   *
   * A checkpoint is due when the global step is a multiple of it; 0 means that
   * the count of the steps asks for none.
   *
   * Since: 1.0
   */
  properties[PROP_EVERY_N_TRAIN_STEPS] =
      g_param_spec_uint64 ("every-n-train-steps", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngModelCheckpoint:save-last:
   *
   * Whether a checkpoint is due after the last step of the training, and the newest
   * one is kept until there is a newer one, whether it is among the best or not.
   *
   * Since: 1.0
   */
  properties[PROP_SAVE_LAST] = g_param_spec_boolean ("save-last", NULL, NULL, TRUE, flags);

  /**
   * SngModelCheckpoint:monitor:
   *
   * What ranks the checkpoints, by its name in [method@Sng.Trainer.get_monitored], or
   * %NULL to rank them by age.
   *
   * Since: 1.0
   */
  properties[PROP_MONITOR] = g_param_spec_string ("monitor", NULL, NULL, NULL, flags);

  /**
   * SngModelCheckpoint:mode:
   *
   * Whether less or more of what is monitored is better.
   *
   * Since: 1.0
   */
  properties[PROP_MODE] =
      g_param_spec_enum ("mode", NULL, NULL, SNG_TYPE_MONITOR_MODE, SNG_MONITOR_MODE_MIN, flags);

  /**
   * SngModelCheckpoint:save-top-k:
   *
   * How many of the best checkpoints are kept; -1 means all of them, 0 none.
   *
   * Since: 1.0
   */
  properties[PROP_SAVE_TOP_K] = g_param_spec_int ("save-top-k", NULL, NULL, -1, G_MAXINT, -1, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_model_checkpoint_init (SngModelCheckpoint *self)
{
  self->ranks.best = g_array_new (FALSE, FALSE, sizeof (Rank));
  self->before.best = g_array_new (FALSE, FALSE, sizeof (Rank));
  self->dropped = g_array_new (FALSE, FALSE, sizeof (guint64));
}

/**
 * sng_model_checkpoint_new:
 * @directory: where the checkpoints are
 * @every_n_train_steps: after how many steps to save, or 0 to save only after
 *   the last one
 *
 * Creates a plan that also saves after the last step.
 *
 * Returns: (transfer full): a new plan
 *
 * Since: 1.0
 */
SngModelCheckpoint *
sng_model_checkpoint_new (const char *directory, guint64 every_n_train_steps)
{
  g_return_val_if_fail (directory != NULL && *directory != '\0', NULL);

  return g_object_new (SNG_TYPE_MODEL_CHECKPOINT, "directory", directory, "every-n-train-steps",
                       every_n_train_steps, NULL);
}

/**
 * sng_model_checkpoint_get_store:
 * @self: a plan
 *
 * Gets the store of the directory.
 *
 * Returns: (transfer none): the store
 *
 * Since: 1.0
 */
SngCheckpointStore *
sng_model_checkpoint_get_store (SngModelCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_MODEL_CHECKPOINT (self), NULL);

  return self->store;
}

/**
 * sng_model_checkpoint_is_due:
 * @self: a plan
 * @step: a global step that is done, from 1
 * @is_last: whether it is the last one of the training
 *
 * Tells whether to save after a step.
 *
 * Returns: whether a checkpoint is due
 *
 * Since: 1.0
 */
gboolean
sng_model_checkpoint_is_due (SngModelCheckpoint *self, guint64 step, gboolean is_last)
{
  g_return_val_if_fail (SNG_IS_MODEL_CHECKPOINT (self), FALSE);

  return (is_last && self->save_last)
         || (self->every_n_train_steps > 0 && step % self->every_n_train_steps == 0);
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
is_better (SngModelCheckpoint *self, const Rank *a, const Rank *b)
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
  const Rank *ranks = (gconstpointer) self->ranks.best->data;
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
    if (g_array_index (self->ranks.best, Rank, i).step == step)
      return TRUE;

  return FALSE;
}

static void
copy_ranks (Ranks *to, const Ranks *from)
{
  g_array_set_size (to->best, 0);
  g_array_append_vals (to->best, from->best->data, from->best->len);
  to->last_step = from->last_step;
}

/* What was kept before and is not any more. */
static void
find_dropped (SngModelCheckpoint *self)
{
  g_array_set_size (self->dropped, 0);

  if (self->save_top_k < 0)
    return;

  for (guint i = 0; i < self->before.best->len; i++)
    {
      guint64 step = g_array_index (self->before.best, Rank, i).step;

      if (!is_among_best (self, step) && step != self->ranks.last_step && step != self->before.last_step)
        g_array_append_val (self->dropped, step);
    }

  if (self->before.last_step > 0 && self->before.last_step != self->ranks.last_step
      && !is_among_best (self, self->before.last_step))
    g_array_append_val (self->dropped, self->before.last_step);
}

gboolean
sng_model_checkpoint_enter (SngModelCheckpoint *self, guint64 step, double score)
{
  const Rank rank = { .step = step, .score = self->monitor != NULL ? score : (double) step };

  copy_ranks (&self->before, &self->ranks);

  g_array_append_val (self->ranks.best, rank);
  if (self->ranks.best->len > get_n_ranked (self))
    g_array_remove_index (self->ranks.best, find_extreme (self, TRUE));

  if (self->save_last)
    self->ranks.last_step = step;

  find_dropped (self);

  return self->save_top_k < 0 || self->save_last || is_among_best (self, step);
}

void
sng_model_checkpoint_revert (SngModelCheckpoint *self)
{
  copy_ranks (&self->ranks, &self->before);
  g_array_set_size (self->dropped, 0);
}

gboolean
sng_model_checkpoint_remove_dropped (SngModelCheckpoint *self, GError **error)
{
  for (guint i = 0; i < self->dropped->len; i++)
    {
      g_autoptr (GError) failure = NULL;

      if (!sng_checkpoint_store_remove (self->store, g_array_index (self->dropped, guint64, i), &failure)
          && !g_error_matches (failure, SNG_ERROR, SNG_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
    }

  return TRUE;
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

  return self->ranks.best->len > 0 ? g_array_index (self->ranks.best, Rank, find_extreme (self, FALSE)).step
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
             ? g_array_index (self->ranks.best, Rank, find_extreme (self, FALSE)).score
             : NAN;
}
