/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-private.h"

#include "state/sng-state-names-private.h"

/**
 * SngCheckpoint:
 *
 * The whole state of a training at one step, in memory.
 *
 * It holds a [class@Sng.StateDict] for each stateful, by the name that it is
 * registered under and in that order, the step, and metadata that the
 * owner may add. [method@Sng.StateRegistry.capture] makes one,
 * [method@Sng.StateRegistry.restore] brings it back and a
 * [class@Sng.CheckpointStore] keeps it on disk.
 *
 * One that was captured may alias live memory: save it before the next step, or
 * keep a [method@Sng.Checkpoint.copy]. The tensors of one that was loaded are
 * read-only and refer to the mapped files.
 *
 * A checkpoint belongs to one thread at a time.
 *
 * Since: 1.0
 */

struct _SngCheckpoint
{
  GObject parent_instance;

  guint64 step;
  char *path;
  GVariant *metadata;
  GPtrArray *names;   /* in order; owns them */
  GHashTable *states; /* name -> SngStateDict; owns the latter */
};

enum
{
  PROP_STEP = 1,
  PROP_PATH,
  PROP_METADATA,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (SngCheckpoint, sng_checkpoint, G_TYPE_OBJECT)

static void
sng_checkpoint_get_property (GObject *object, guint property, GValue *value, GParamSpec *pspec)
{
  SngCheckpoint *self = SNG_CHECKPOINT (object);

  switch (property)
    {
    case PROP_STEP:
      g_value_set_uint64 (value, self->step);
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_METADATA:
      g_value_set_variant (value, self->metadata);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

static void
sng_checkpoint_set_property (GObject *object, guint property, const GValue *value, GParamSpec *pspec)
{
  SngCheckpoint *self = SNG_CHECKPOINT (object);

  switch (property)
    {
    case PROP_STEP:
      self->step = g_value_get_uint64 (value);
      break;
    case PROP_METADATA:
      sng_checkpoint_set_metadata (self, g_value_get_variant (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

static void
sng_checkpoint_finalize (GObject *object)
{
  SngCheckpoint *self = SNG_CHECKPOINT (object);

  g_free (self->path);
  g_clear_pointer (&self->metadata, g_variant_unref);
  g_hash_table_unref (self->states);
  g_ptr_array_unref (self->names);

  G_OBJECT_CLASS (sng_checkpoint_parent_class)->finalize (object);
}

static void
sng_checkpoint_class_init (SngCheckpointClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_checkpoint_get_property;
  object_class->set_property = sng_checkpoint_set_property;
  object_class->finalize = sng_checkpoint_finalize;

  /**
   * SngCheckpoint:step:
   *
   * The global step after which the state was captured; 0 is the initial state.
   *
   * Since: 1.0
   */
  properties[PROP_STEP] =
      g_param_spec_uint64 ("step", NULL, NULL, 0, G_MAXUINT64, 0,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngCheckpoint:path:
   *
   * The directory that it was loaded from or saved to last.
   *
   * Since: 1.0
   */
  properties[PROP_PATH] =
      g_param_spec_string ("path", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * SngCheckpoint:metadata:
   *
   * Whatever else its owner wants to keep with it.
   *
   * Since: 1.0
   */
  properties[PROP_METADATA] =
      g_param_spec_variant ("metadata", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_checkpoint_init (SngCheckpoint *self)
{
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->states = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
}

/**
 * sng_checkpoint_new:
 * @step: the global step after which the state was captured
 *
 * Makes a checkpoint without a state.
 *
 * Returns: (transfer full): the checkpoint
 *
 * Since: 1.0
 */
SngCheckpoint *
sng_checkpoint_new (guint64 step)
{
  return g_object_new (SNG_TYPE_CHECKPOINT, "step", step, NULL);
}

/**
 * sng_checkpoint_get_step: (get-property step)
 * @self: a checkpoint
 *
 * Gets the global step after which the state was captured.
 *
 * Returns: the step
 *
 * Since: 1.0
 */
guint64
sng_checkpoint_get_step (SngCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), 0);

  return self->step;
}

/**
 * sng_checkpoint_get_path: (get-property path)
 * @self: a checkpoint
 *
 * Gets the directory that it was loaded from or saved to last.
 *
 * Returns: (transfer none) (nullable) (type filename): the directory, or %NULL for one that is in memory only
 *
 * Since: 1.0
 */
const char *
sng_checkpoint_get_path (SngCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);

  return self->path;
}

void
sng_checkpoint_set_path (SngCheckpoint *self, const char *path)
{
  if (g_strcmp0 (self->path, path) == 0)
    return;

  g_free (self->path);
  self->path = g_strdup (path);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PATH]);
}

gboolean
sng_checkpoint_find_shard (SngCheckpoint *self, const char **state, const char **name)
{
  for (guint i = 0; i < self->names->len; i++)
    {
      SngStateDict *dict;

      *state = self->names->pdata[i];
      dict = g_hash_table_lookup (self->states, *state);
      for (guint k = 0; (*name = sng_state_dict_get_name (dict, k)) != NULL; k++)
        if (sng_state_dict_lookup_shard (dict, *name) != NULL)
          return TRUE;
    }

  return FALSE;
}

/**
 * sng_checkpoint_get_metadata: (get-property metadata)
 * @self: a checkpoint
 *
 * Gets what its owner keeps with it.
 *
 * Returns: (transfer none) (nullable): a dictionary `a{sv}`, or %NULL
 *
 * Since: 1.0
 */
GVariant *
sng_checkpoint_get_metadata (SngCheckpoint *self)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);

  return self->metadata;
}

/**
 * sng_checkpoint_set_metadata: (set-property metadata)
 * @self: a checkpoint
 * @metadata: (transfer none) (nullable): a dictionary `a{sv}`, or %NULL; a floating one is sunk
 *
 * Sets what its owner keeps with it. It is saved, and takes no part in the
 * fingerprint.
 *
 * Since: 1.0
 */
void
sng_checkpoint_set_metadata (SngCheckpoint *self, GVariant *metadata)
{
  g_return_if_fail (SNG_IS_CHECKPOINT (self));
  g_return_if_fail (metadata == NULL || g_variant_is_of_type (metadata, G_VARIANT_TYPE_VARDICT));

  if (self->metadata == metadata)
    return;

  g_clear_pointer (&self->metadata, g_variant_unref);
  if (metadata != NULL)
    self->metadata = g_variant_ref_sink (metadata);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_METADATA]);
}

/**
 * sng_checkpoint_set_state:
 * @self: a checkpoint
 * @name: a name as [method@Sng.StateRegistry.add] takes it
 * @state: (transfer none): the state; referenced, not copied
 *
 * Sets the state of one stateful.
 *
 * A name that is there already keeps its position.
 *
 * Since: 1.0
 */
void
sng_checkpoint_set_state (SngCheckpoint *self, const char *name, SngStateDict *state)
{
  gpointer held_name;

  g_return_if_fail (SNG_IS_CHECKPOINT (self));
  g_return_if_fail (name != NULL && sng_state_name_check (name, NULL));
  g_return_if_fail (SNG_IS_STATE_DICT (state));

  g_object_ref (state);
  if (!g_hash_table_lookup_extended (self->states, name, &held_name, NULL))
    {
      held_name = g_strdup (name);
      g_ptr_array_add (self->names, held_name);
    }
  g_hash_table_insert (self->states, held_name, state);
}

/**
 * sng_checkpoint_lookup_state:
 * @self: a checkpoint
 * @name: a name
 *
 * Looks the state of one stateful up.
 *
 * Returns: (transfer none) (nullable): the state, or %NULL where there is none of this name
 *
 * Since: 1.0
 */
SngStateDict *
sng_checkpoint_lookup_state (SngCheckpoint *self, const char *name)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_hash_table_lookup (self->states, name);
}

/**
 * sng_checkpoint_remove_state:
 * @self: a checkpoint
 * @name: a name
 *
 * Removes the state of one stateful.
 *
 * Returns: %TRUE where there was one of this name
 *
 * Since: 1.0
 */
gboolean
sng_checkpoint_remove_state (SngCheckpoint *self, const char *name)
{
  gpointer held_name;

  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (!g_hash_table_lookup_extended (self->states, name, &held_name, NULL))
    return FALSE;

  g_hash_table_remove (self->states, held_name);

  return g_ptr_array_remove (self->names, held_name);
}

/**
 * sng_checkpoint_dup_names:
 * @self: a checkpoint
 *
 * Gets the names of all statefuls, in order.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
sng_checkpoint_dup_names (SngCheckpoint *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);

  for (guint i = 0; i < self->names->len; i++)
    g_strv_builder_add (names, self->names->pdata[i]);

  return g_strv_builder_end (names);
}

/**
 * sng_checkpoint_copy:
 * @self: a checkpoint
 * @error: return location for an error
 *
 * Copies a checkpoint with all its tensors, so that it no longer aliases what it
 * was captured from or loaded from.
 *
 * Fails where a tensor cannot be copied, for want of memory.
 *
 * Returns: (transfer full): the copy
 *
 * Since: 1.0
 */
SngCheckpoint *
sng_checkpoint_copy (SngCheckpoint *self, GError **error)
{
  g_autoptr (SngCheckpoint) copy = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);

  copy = sng_checkpoint_new (self->step);
  sng_checkpoint_set_path (copy, self->path);
  sng_checkpoint_set_metadata (copy, self->metadata);

  for (guint i = 0; i < self->names->len; i++)
    {
      const char *name = self->names->pdata[i];
      g_autoptr (SngStateDict) state = sng_state_dict_copy (g_hash_table_lookup (self->states, name), error);

      if (state == NULL)
        {
          g_prefix_error (error, "[checkpoint][copy] %s: ", name);
          return NULL;
        }
      sng_checkpoint_set_state (copy, name, state);
    }

  return g_steal_pointer (&copy);
}

/**
 * sng_checkpoint_compute_fingerprint:
 * @self: a checkpoint
 *
 * Computes one fingerprint over the whole state: names and contents of all
 * statefuls, in the order of their names.
 *
 * The step, the path and the metadata take no part, so two checkpoints are the
 * same state exactly when their fingerprints are equal.
 *
 * Returns: (transfer full): the fingerprint
 *
 * Since: 1.0
 */
SngFingerprint *
sng_checkpoint_compute_fingerprint (SngCheckpoint *self)
{
  g_autoptr (SngStateDict) all = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT (self), NULL);

  all = sng_state_dict_new ();
  for (guint i = 0; i < self->names->len; i++)
    {
      const char *name = self->names->pdata[i];
      g_autoptr (SngFingerprint) fingerprint =
          sng_state_dict_compute_fingerprint (g_hash_table_lookup (self->states, name));

      sng_state_dict_set_value (all, name,
                                g_variant_new_take_string (sng_fingerprint_to_string (fingerprint)));
    }

  return sng_state_dict_compute_fingerprint (all);
}
