/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-model-checkpoint.h"

/**
 * SngModelCheckpoint:
 *
 * When a [class@Sng.Trainer] saves its state, and where.
 *
 * ```c
 * g_autoptr (SngModelCheckpoint) checkpoint = sng_model_checkpoint_new ("checkpoints", 100);
 *
 * g_object_set (trainer, "model-checkpoint", checkpoint, NULL);
 * ```
 *
 * Since: 1.0
 */

struct _SngModelCheckpoint
{
  GObject parent_instance;

  char *directory;
  guint64 every_n_train_steps;
  gboolean save_last;

  SngCheckpointStore *store;
};

G_DEFINE_FINAL_TYPE (SngModelCheckpoint, sng_model_checkpoint, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_DIRECTORY,
  PROP_EVERY_N_TRAIN_STEPS,
  PROP_SAVE_LAST,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

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
  g_clear_object (&self->store);

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
   * Whether a checkpoint is due after the last step of the training.
   *
   * Since: 1.0
   */
  properties[PROP_SAVE_LAST] = g_param_spec_boolean ("save-last", NULL, NULL, TRUE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_model_checkpoint_init (SngModelCheckpoint *self)
{
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
