/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-state-registry.h"

#include "sng-error.h"
#include "state/sng-state-names-private.h"

/**
 * SngStateRegistry:
 *
 * Everything that must survive a stop, by name, in the order of registration.
 *
 * A trainer has one and puts itself, the model, the optimizer, the scheduler,
 * the sampler and the streams of random numbers into it; users add what
 * they have. What is not in it is not in a checkpoint.
 *
 * ```c
 * g_autoptr (SngStateRegistry) registry = sng_state_registry_new ();
 *
 * if (!sng_state_registry_add (registry, "model", SNG_STATEFUL (model), &error)
 *     || !sng_state_registry_add (registry, "rng/dropout", SNG_STATEFUL (stream), &error))
 *   return FALSE;
 *
 * checkpoint = sng_state_registry_capture (registry, step, &error);
 * ```
 *
 * A registry belongs to one thread at a time.
 *
 * Since: 1.0
 */

struct _SngStateRegistry
{
  GObject parent_instance;

  GPtrArray *names;      /* in order; owns them */
  GHashTable *statefuls; /* name -> SngStateful; owns the latter */
};

G_DEFINE_FINAL_TYPE (SngStateRegistry, sng_state_registry, G_TYPE_OBJECT)

static void
sng_state_registry_finalize (GObject *object)
{
  SngStateRegistry *self = SNG_STATE_REGISTRY (object);

  g_hash_table_unref (self->statefuls);
  g_ptr_array_unref (self->names);

  G_OBJECT_CLASS (sng_state_registry_parent_class)->finalize (object);
}

static void
sng_state_registry_class_init (SngStateRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_state_registry_finalize;
}

static void
sng_state_registry_init (SngStateRegistry *self)
{
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->statefuls = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
}

/**
 * sng_state_registry_new:
 *
 * Makes an empty registry.
 *
 * Returns: (transfer full): the registry
 *
 * Since: 1.0
 */
SngStateRegistry *
sng_state_registry_new (void)
{
  return g_object_new (SNG_TYPE_STATE_REGISTRY, NULL);
}

/**
 * sng_state_registry_add:
 * @self: a registry
 * @name: the name to register it under
 * @stateful: (transfer none): the stateful; referenced
 * @error: return location for an error
 *
 * Adds a stateful at the end.
 *
 * A name is UTF-8 without control characters. It may have slashes to group
 * names, such as `rng/dropout`; it also becomes the name of a file, in which a
 * slash is written `%2F`, a percent sign `%25` and a leading dot `%2E`, and
 * which must not be longer than 255 bytes.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where the name cannot be used or is
 * there already.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_state_registry_add (SngStateRegistry *self, const char *name, SngStateful *stateful, GError **error)
{
  char *held_name;

  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (SNG_IS_STATEFUL (stateful), FALSE);

  if (!sng_state_name_check (name, error))
    {
      g_prefix_error (error, "[registry][add] ");
      return FALSE;
    }
  if (g_hash_table_contains (self->statefuls, name))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[registry][add] '%s' is registered already",
                   name);
      return FALSE;
    }

  held_name = g_strdup (name);
  g_ptr_array_add (self->names, held_name);
  g_hash_table_insert (self->statefuls, held_name, g_object_ref (stateful));

  return TRUE;
}

/**
 * sng_state_registry_remove:
 * @self: a registry
 * @name: a name
 *
 * Removes a stateful.
 *
 * Returns: %TRUE where there was one of this name
 *
 * Since: 1.0
 */
gboolean
sng_state_registry_remove (SngStateRegistry *self, const char *name)
{
  gpointer held_name;

  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (!g_hash_table_lookup_extended (self->statefuls, name, &held_name, NULL))
    return FALSE;

  g_hash_table_remove (self->statefuls, held_name);

  return g_ptr_array_remove (self->names, held_name);
}

/**
 * sng_state_registry_lookup:
 * @self: a registry
 * @name: a name
 *
 * Looks a stateful up.
 *
 * Returns: (transfer none) (nullable): the stateful, or %NULL where there is none of this name
 *
 * Since: 1.0
 */
SngStateful *
sng_state_registry_lookup (SngStateRegistry *self, const char *name)
{
  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_hash_table_lookup (self->statefuls, name);
}

/**
 * sng_state_registry_dup_names:
 * @self: a registry
 *
 * Gets all names, in the order of registration.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
char **
sng_state_registry_dup_names (SngStateRegistry *self)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), NULL);

  for (guint i = 0; i < self->names->len; i++)
    g_strv_builder_add (names, self->names->pdata[i]);

  return g_strv_builder_end (names);
}

/**
 * sng_state_registry_capture:
 * @self: a registry
 * @step: the global step that the state belongs to
 * @error: return location for an error
 *
 * Gathers the state of every stateful.
 *
 * Nothing is copied: the tensors may alias live memory, so save the
 * checkpoint before the next step, or keep a [method@Sng.Checkpoint.copy].
 *
 * Fails where a stateful does; the message begins with its name.
 *
 * Returns: (transfer full): the checkpoint
 *
 * Since: 1.0
 */
SngCheckpoint *
sng_state_registry_capture (SngStateRegistry *self, guint64 step, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = NULL;

  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), NULL);

  checkpoint = sng_checkpoint_new (step);
  for (guint i = 0; i < self->names->len; i++)
    {
      const char *name = self->names->pdata[i];
      g_autoptr (SngStateDict) state =
          sng_stateful_get_state (g_hash_table_lookup (self->statefuls, name), error);

      if (state == NULL)
        {
          g_prefix_error (error, "[registry][capture] %s: ", name);
          return NULL;
        }
      sng_checkpoint_set_state (checkpoint, name, state);
    }

  return g_steal_pointer (&checkpoint);
}

/**
 * sng_state_registry_restore:
 * @self: a registry
 * @checkpoint: the checkpoint to restore
 * @error: return location for an error
 *
 * Gives every stateful its state back.
 *
 * The checkpoint must hold a state for every registered name and none for any
 * other. Every stateful is asked to check its state before the first one is
 * changed, so a checkpoint that does not fit changes nothing. Then they
 * are set in the order of registration. Where one fails even though its check
 * passed, the message names it and those that were set before it.
 *
 * Fails with %SNG_ERROR_MISMATCH where the names differ, and the message lists
 * those that are missing and those that nobody registered; and where a
 * stateful does.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_state_registry_restore (SngStateRegistry *self, SngCheckpoint *checkpoint, GError **error)
{
  g_auto (GStrv) names = NULL;
  g_auto (GStrv) registered = NULL;
  g_autoptr (GString) done = NULL;

  g_return_val_if_fail (SNG_IS_STATE_REGISTRY (self), FALSE);
  g_return_val_if_fail (SNG_IS_CHECKPOINT (checkpoint), FALSE);

  names = sng_checkpoint_dup_names (checkpoint);
  registered = sng_state_registry_dup_names (self);
  if (!sng_state_names_check_equal (names, registered, "[registry][restore]", error))
    return FALSE;

  for (guint i = 0; registered[i] != NULL; i++)
    if (!sng_stateful_check_state (g_hash_table_lookup (self->statefuls, registered[i]),
                                   sng_checkpoint_lookup_state (checkpoint, registered[i]), error))
      {
        g_prefix_error (error, "[registry][restore] %s: ", registered[i]);
        return FALSE;
      }

  done = g_string_new (NULL);
  for (guint i = 0; registered[i] != NULL; i++)
    {
      if (!sng_stateful_set_state (g_hash_table_lookup (self->statefuls, registered[i]),
                                   sng_checkpoint_lookup_state (checkpoint, registered[i]), error))
        {
          g_prefix_error (error, "[registry][restore] %s (already set: %s): ", registered[i],
                          done->len > 0 ? done->str : "nothing");
          return FALSE;
        }
      g_string_append_printf (done, "%s%s", i > 0 ? ", " : "", registered[i]);
    }

  return TRUE;
}
