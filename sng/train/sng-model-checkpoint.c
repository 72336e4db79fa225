/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-model-checkpoint-private.h"

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
 * - One whose step is a multiple of [property@Sng.ModelCheckpoint:keep-every] is saved and kept for good.
 * - One that is not kept any more is removed when the one that takes its place is durable, so that whatever
 *   happens meanwhile there is one to go on from. Where the process is killed right in between, the training that
 *   goes on removes it with its next save. The newest one that was saved is never removed.
 * - One that is to be removed and is not there, as after a resume that saves to a directory of its own, is
 *   no error.
 * - What [method@Sng.Trainer.save_checkpoint] saves at a step at which none is due has no rank, and is never
 *   removed.
 *
 * With [property@Sng.ModelCheckpoint:save-in-background] the training does not wait for the disk. Where a save
 * fails the training ends with the error, unless [property@Sng.ModelCheckpoint:go-on-after-error] lets it go on with
 * the checkpoints that it had.
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
 * the newest one, `dropped`, the steps that are to be removed now that this checkpoint is there, and the settings
 * `monitor`, `mode`, `save_top_k`, `save_last` and `keep_every`. Other settings than one's own are refused.
 *
 * Since: 1.0
 */

/* The best ones in a state: steps and scores. */
#define BEST_TYPE "a(td)"
/* Steps that are to be removed. */
#define DROPPED_TYPE "at"

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
  PROP_KEEP_EVERY,
  PROP_SAVE_IN_BACKGROUND,
  PROP_GO_ON_AFTER_ERROR,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static GVariant *
best_to_variant (const GArray *best)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (BEST_TYPE));

  for (guint i = 0; i < best->len; i++)
    g_variant_builder_add (&builder, "(td)", g_array_index (best, SngCheckpointRank, i).step,
                           g_array_index (best, SngCheckpointRank, i).score);

  return g_variant_builder_end (&builder);
}

static GVariant *
steps_to_variant (const GArray *steps)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, steps->data, steps->len, sizeof (guint64));
}

static SngStateDict *
sng_model_checkpoint_get_state (SngStateful *stateful, GError **error)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "best", best_to_variant (self->ranks.best));
  sng_state_dict_set_value (state, "last_step", g_variant_new_uint64 (self->ranks.last_step));
  sng_state_dict_set_value (state, "dropped", steps_to_variant (self->dropped));
  sng_monitor_set_state (state, self->monitor, self->mode);
  sng_state_dict_set_value (state, "save_top_k", g_variant_new_int32 (self->save_top_k));
  sng_state_dict_set_value (state, "save_last", g_variant_new_boolean (self->save_last));
  sng_state_dict_set_value (state, "keep_every", g_variant_new_uint64 (self->keep_every));

  return g_steal_pointer (&state);
}

/* Returns: the ranks of @best, or NULL with @error set. */
static GArray *
read_best (SngModelCheckpoint *self, GVariant *best, const char *place, GError **error)
{
  g_autoptr (GArray) ranks = g_array_new (FALSE, FALSE, sizeof (SngCheckpointRank));
  gboolean fits = g_variant_is_of_type (best, G_VARIANT_TYPE (BEST_TYPE))
                  && g_variant_n_children (best) <= sng_model_checkpoint_get_n_ranked (self);

  for (gsize i = 0; fits && i < g_variant_n_children (best); i++)
    {
      SngCheckpointRank rank;

      g_variant_get_child (best, i, "(td)", &rank.step, &rank.score);
      fits = i == 0 || rank.step > g_array_index (ranks, SngCheckpointRank, i - 1).step;
      g_array_append_val (ranks, rank);
    }

  if (!fits)
    {
      g_autofree char *text = g_variant_print (best, FALSE);

      g_set_error (
          error, SNG_ERROR, SNG_ERROR_MISMATCH,
          "%s best: the checkpoint has %s, expected are up to %u ascending steps, each with its score", place,
          text, sng_model_checkpoint_get_n_ranked (self));
      return NULL;
    }

  return g_steal_pointer (&ranks);
}

static gboolean
check_dropped (GVariant *dropped, const char *place, GError **error)
{
  if (g_variant_is_of_type (dropped, G_VARIANT_TYPE (DROPPED_TYPE)))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
               "%s dropped: the checkpoint has a value of type '%s', expected are steps ('" DROPPED_TYPE "')",
               place, g_variant_get_type_string (dropped));

  return FALSE;
}

static gboolean
read_state (SngModelCheckpoint *self, SngStateDict *state, SngCheckpointRanks *ranks, GError **error)
{
  const char *const varying[] = { "best", "last_step", "dropped", NULL };
  const char *place = "[model-checkpoint][restore]";
  g_autoptr (SngStateDict) own = sng_model_checkpoint_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "last_step", &ranks->last_step, error)
      || !check_dropped (sng_state_dict_lookup_value (state, "dropped"), place, error))
    return FALSE;

  ranks->best = read_best (self, sng_state_dict_lookup_value (state, "best"), place, error);

  return ranks->best != NULL;
}

static gboolean
sng_model_checkpoint_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngCheckpointRanks ranks = { NULL, 0 };
  gboolean fits = read_state (SNG_MODEL_CHECKPOINT (stateful), state, &ranks, error);

  g_clear_pointer (&ranks.best, g_array_unref);

  return fits;
}

static gboolean
sng_model_checkpoint_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngModelCheckpoint *self = SNG_MODEL_CHECKPOINT (stateful);
  SngCheckpointRanks ranks = { NULL, 0 };
  const guint64 *steps;
  gsize n_steps;

  if (!read_state (self, state, &ranks, error))
    return FALSE;

  g_array_unref (self->ranks.best);
  self->ranks = ranks;
  steps = g_variant_get_fixed_array (sng_state_dict_lookup_value (state, "dropped"), &n_steps, sizeof *steps);
  g_array_set_size (self->dropped, 0);
  g_array_set_size (self->left_over, 0);
  g_array_append_vals (self->left_over, steps, (guint) n_steps);

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
  g_clear_pointer (&self->left_over, g_array_unref);

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

    case PROP_KEEP_EVERY:
      g_value_set_uint64 (value, self->keep_every);
      break;

    case PROP_SAVE_IN_BACKGROUND:
      g_value_set_boolean (value, self->save_in_background);
      break;

    case PROP_GO_ON_AFTER_ERROR:
      g_value_set_boolean (value, self->go_on_after_error);
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

    case PROP_KEEP_EVERY:
      self->keep_every = g_value_get_uint64 (value);
      break;

    case PROP_SAVE_IN_BACKGROUND:
      self->save_in_background = g_value_get_boolean (value);
      break;

    case PROP_GO_ON_AFTER_ERROR:
      self->go_on_after_error = g_value_get_boolean (value);
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

  /**
   * SngModelCheckpoint:keep-every:
   *
   * Of how many steps one checkpoint is kept for good, such as 10,000, whatever its rank; 0 means none. It is one that is due
   * anyhow: let it be a multiple of [property@Sng.ModelCheckpoint:every-n-train-steps].
   *
   * Since: 1.0
   */
  properties[PROP_KEEP_EVERY] = g_param_spec_uint64 ("keep-every", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngModelCheckpoint:save-in-background:
   *
   * Whether the training goes on as soon as its state was copied, and a thread saves the copy. Then
   * [signal@Sng.Trainer::checkpoint-saved] comes in a later step, when the checkpoint is durable, and at the end
   * the training waits for the last one. One that is due before that of before is durable waits for it.
   *
   * Since: 1.0
   */
  properties[PROP_SAVE_IN_BACKGROUND] = g_param_spec_boolean ("save-in-background", NULL, NULL, FALSE, flags);

  /**
   * SngModelCheckpoint:go-on-after-error:
   *
   * Whether the training goes on where a checkpoint that was due cannot be saved, for a full disk or the like. The ones that
   * were there before are kept, [signal@Sng.Trainer::checkpoint-failed] tells of it, and the next one that is due
   * is tried again.
   *
   * Since: 1.0
   */
  properties[PROP_GO_ON_AFTER_ERROR] = g_param_spec_boolean ("go-on-after-error", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_model_checkpoint_init (SngModelCheckpoint *self)
{
  self->ranks.best = g_array_new (FALSE, FALSE, sizeof (SngCheckpointRank));
  self->before.best = g_array_new (FALSE, FALSE, sizeof (SngCheckpointRank));
  self->dropped = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->left_over = g_array_new (FALSE, FALSE, sizeof (guint64));
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
