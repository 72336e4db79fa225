/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-store-private.h"

#include <string.h>

#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/**
 * SngCheckpointStore:
 *
 * A directory of checkpoints.
 *
 * Each checkpoint is a directory such as `step-00000007`, with a safetensors
 * file for each stateful that has tensors and a `state.json` with everything
 * else: names, values, sizes and digests. The file `latest` names the one that
 * was saved last. The model's file is `model.safetensors` as Hugging Face
 * loads it.
 *
 * Whatever happens while one is saved, be it a full disk, a kill or a loss of power, a checkpoint
 * is there in whole or not at all, and the one that it would have replaced
 * stays until then: it is written to a hidden sibling, made durable, and moved into place.
 *
 * ```c
 * g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new ("run/checkpoints");
 * g_autofree char *path = sng_checkpoint_store_save (store, checkpoint, &error);
 * ```
 *
 * A training need not wait for the disk: [method@Sng.CheckpointStore.begin_save] copies the state, and a
 * thread writes the copy.
 *
 * One process at a time may save to a directory or remove from it; any number may load. A store belongs to one thread
 * at a time.
 *
 * Since: 1.0
 */

enum
{
  PROP_PATH = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (SngCheckpointStore, sng_checkpoint_store, G_TYPE_OBJECT)

char *
sng_checkpoint_step_to_name (guint64 step)
{
  return g_strdup_printf ("step-%08" G_GUINT64_FORMAT, step);
}

char *
sng_checkpoint_rank_to_name (guint rank)
{
  return g_strdup_printf ("rank-%05u", rank);
}

gboolean
sng_checkpoint_step_from_name (const char *name, guint64 *step)
{
  g_autofree char *again = NULL;

  if (!g_str_has_prefix (name, "step-")
      || !g_ascii_string_to_unsigned (name + strlen ("step-"), 10, 0, G_MAXUINT64, step, NULL))
    return FALSE;

  again = sng_checkpoint_step_to_name (*step);

  return g_str_equal (again, name);
}

static void
sng_checkpoint_store_get_property (GObject *object, guint property, GValue *value, GParamSpec *pspec)
{
  SngCheckpointStore *self = SNG_CHECKPOINT_STORE (object);

  switch (property)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

static void
sng_checkpoint_store_set_property (GObject *object, guint property, const GValue *value, GParamSpec *pspec)
{
  SngCheckpointStore *self = SNG_CHECKPOINT_STORE (object);

  switch (property)
    {
    case PROP_PATH:
      self->path = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

static void
sng_checkpoint_store_finalize (GObject *object)
{
  SngCheckpointStore *self = SNG_CHECKPOINT_STORE (object);

  sng_checkpoint_store_end_background (self);
  g_free (self->path);

  G_OBJECT_CLASS (sng_checkpoint_store_parent_class)->finalize (object);
}

static void
sng_checkpoint_store_class_init (SngCheckpointStoreClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sng_checkpoint_store_get_property;
  object_class->set_property = sng_checkpoint_store_set_property;
  object_class->finalize = sng_checkpoint_store_finalize;

  /**
   * SngCheckpointStore:path:
   *
   * The directory of the checkpoints. It is made when the first one is saved.
   *
   * Since: 1.0
   */
  properties[PROP_PATH] = g_param_spec_string (
      "path", NULL, NULL, ".", G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
sng_checkpoint_store_init (SngCheckpointStore *self)
{
  self->storage = sng_storage_get_posix ();
}

/**
 * sng_checkpoint_store_new:
 * @path: (type filename): the directory of the checkpoints, which need not exist
 *
 * Makes a store. Nothing is read or written yet.
 *
 * Returns: (transfer full): the store
 *
 * Since: 1.0
 */
SngCheckpointStore *
sng_checkpoint_store_new (const char *path)
{
  g_return_val_if_fail (path != NULL, NULL);

  return g_object_new (SNG_TYPE_CHECKPOINT_STORE, "path", path, NULL);
}

/**
 * sng_checkpoint_store_get_path: (get-property path)
 * @self: a store
 *
 * Gets the directory of the checkpoints.
 *
 * Returns: (transfer none) (type filename): the directory
 *
 * Since: 1.0
 */
const char *
sng_checkpoint_store_get_path (SngCheckpointStore *self)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);

  return self->path;
}

SngStorage **
sng_checkpoint_store_get_storage (SngCheckpointStore *self)
{
  return &self->storage;
}

char *
sng_checkpoint_store_temporary_prefix (SngCheckpointStore *self, const char *name)
{
  return g_strdup_printf ("%s/.%s.tmp-", self->path, name);
}

char *
sng_checkpoint_store_aside_path (SngCheckpointStore *self, const char *name)
{
  return g_strdup_printf ("%s/.%s.old", self->path, name);
}

gboolean
sng_checkpoint_store_recover (SngCheckpointStore *self, char **names, GError **error)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *aside = NULL;
      g_autofree char *path = NULL;
      g_autofree char *name = NULL;

      if (!g_str_has_prefix (names[i], ".step-") || !g_str_has_suffix (names[i], ".old"))
        continue;
      name = g_strndup (names[i] + 1, strlen (names[i]) - strlen (".old") - 1);
      path = g_build_filename (self->path, name, NULL);
      aside = g_build_filename (self->path, names[i], NULL);
      if (!sng_state_io_exists (path) && !sng_state_io_rename (self->storage, aside, path, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
sng_checkpoint_store_write_latest (SngCheckpointStore *self,
                                   const char *name,
                                   char **temporary,
                                   GError **error)
{
  g_autofree char *prefix = sng_checkpoint_store_temporary_prefix (self, SNG_CHECKPOINT_LATEST);
  g_autofree char *path = sng_state_io_temporary_name (prefix);
  g_autoptr (SngStateFile) file = NULL;

  if ((file = sng_state_file_create (self->storage, path, error)) == NULL
      || !sng_state_file_write (file, name, strlen (name), error)
      || !sng_state_file_write (file, "\n", 1, error) || !sng_state_file_finish (file, error))
    return FALSE;

  *temporary = g_steal_pointer (&path);

  return TRUE;
}

static int
compare_steps (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return (x > y) - (x < y);
}

/* The steps among the names of a directory, ascending. */
static GArray *
select_steps (char **names)
{
  GArray *steps = g_array_new (FALSE, FALSE, sizeof (guint64));

  for (guint i = 0; names[i] != NULL; i++)
    {
      guint64 step;

      if (sng_checkpoint_step_from_name (names[i], &step))
        g_array_append_val (steps, step);
    }
  g_array_sort (steps, compare_steps);

  return steps;
}

GArray *
sng_checkpoint_store_list_steps (SngCheckpointStore *self, GError **error)
{
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) failure = NULL;

  names = sng_state_io_list (self->path, &failure);
  if (names == NULL && !g_error_matches (failure, SNG_ERROR, SNG_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  if (names == NULL)
    return g_array_new (FALSE, FALSE, sizeof (guint64));

  if (sng_checkpoint_store_recover (self, names, NULL))
    {
      g_strfreev (names);
      if ((names = sng_state_io_list (self->path, error)) == NULL)
        return NULL;
    }

  return select_steps (names);
}

/**
 * sng_checkpoint_store_list:
 * @self: a store
 * @error: return location for an error
 *
 * Lists the directories of all checkpoints by ascending step, verified or not.
 *
 * Returns: (transfer full) (array zero-terminated=1) (element-type filename): the directories; none where the
 *   store's own does not exist
 *
 * Since: 1.0
 */
char **
sng_checkpoint_store_list (SngCheckpointStore *self, GError **error)
{
  g_autoptr (GStrvBuilder) paths = NULL;
  g_autoptr (GArray) steps = NULL;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);

  if ((steps = sng_checkpoint_store_list_steps (self, error)) == NULL)
    {
      g_prefix_error (error, "[checkpoint][list] ");
      return NULL;
    }

  paths = g_strv_builder_new ();
  for (guint i = 0; i < steps->len; i++)
    {
      g_autofree char *name = sng_checkpoint_step_to_name (g_array_index (steps, guint64, i));
      g_autofree char *path = g_build_filename (self->path, name, NULL);

      g_strv_builder_add (paths, path);
    }

  return g_strv_builder_end (paths);
}

gboolean
sng_checkpoint_store_read_latest (SngCheckpointStore *self, guint64 *step, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, SNG_CHECKPOINT_LATEST, NULL);
  g_autoptr (GBytes) contents = NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *name = NULL;
  gsize length;
  const char *text;

  if ((contents = sng_state_io_read_own (path, &failure)) == NULL)
    {
      if (!g_error_matches (failure, SNG_ERROR, SNG_ERROR_NOT_FOUND))
        g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }

  text = g_bytes_get_data (contents, &length);
  if (length > 0 && length < 64 && text[length - 1] == '\n')
    {
      name = g_strndup (text, length - 1);
      if (sng_checkpoint_step_from_name (name, step))
        return TRUE;
    }
  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, "does not name a checkpoint");

  return FALSE;
}

/* Makes latest name the newest of the others, if it names this one. */
static gboolean
forget_latest (SngCheckpointStore *self, guint64 step, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, SNG_CHECKPOINT_LATEST, NULL);
  g_autofree char *temporary = NULL;
  g_autofree char *name = NULL;
  g_autoptr (GArray) steps = NULL;
  guint64 latest;

  if (!sng_checkpoint_store_read_latest (self, &latest, NULL) || latest != step)
    return TRUE;
  if ((steps = sng_checkpoint_store_list_steps (self, error)) == NULL)
    return FALSE;

  for (guint i = steps->len; i > 0 && name == NULL; i--)
    if (g_array_index (steps, guint64, i - 1) != step)
      name = sng_checkpoint_step_to_name (g_array_index (steps, guint64, i - 1));

  if (name == NULL)
    return sng_state_io_remove (self->storage, path, error)
           && sng_state_io_sync_directory (self->storage, self->path, error);
  if (!sng_checkpoint_store_write_latest (self, name, &temporary, error))
    return FALSE;
  if (!sng_state_io_rename (self->storage, temporary, path, error))
    {
      sng_state_io_remove (self->storage, temporary, NULL);
      return FALSE;
    }

  return sng_state_io_sync_directory (self->storage, self->path, error);
}

gboolean
sng_checkpoint_store_take_away (SngCheckpointStore *self, guint64 step, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *aside = NULL;
  g_autofree char *prefix = NULL;
  g_autofree char *temporary = NULL;

  name = sng_checkpoint_step_to_name (step);
  path = g_build_filename (self->path, name, NULL);
  aside = sng_checkpoint_store_aside_path (self, name);
  prefix = sng_checkpoint_store_temporary_prefix (self, name);
  temporary = sng_state_io_temporary_name (prefix);

  if (!sng_state_io_exists (path))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[checkpoint][remove] there is no '%s'", path);
      return FALSE;
    }
  /* What is aside would come back in its place. Until the names are durable it may be in that place on the disk. */
  if ((sng_state_io_exists (aside) && !sng_state_io_sync_directory (self->storage, self->path, error))
      || !sng_state_io_remove (self->storage, aside, error) || !forget_latest (self, step, error)
      || !sng_state_io_rename (self->storage, path, temporary, error)
      || !sng_state_io_sync_directory (self->storage, self->path, error)
      || !sng_state_io_remove (self->storage, temporary, error))
    {
      g_prefix_error (error, "[checkpoint][remove] %s: ", name);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_checkpoint_store_remove:
 * @self: a store
 * @step: the step of the checkpoint
 * @error: return location for an error
 *
 * Removes a checkpoint.
 *
 * It goes as a whole: where the process is killed in between, no half of it
 * is left to be loaded. If `latest` named it, it names the one with the
 * highest step afterwards. What was loaded from it stays valid.
 *
 * A save in the background is waited for, and its error reported here.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where there is none of this step and with
 * %SNG_ERROR_IO where it cannot be removed.
 *
 * Returns: %TRUE on success
 *
 * Since: 1.0
 */
gboolean
sng_checkpoint_store_remove (SngCheckpointStore *self, guint64 step, GError **error)
{
  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), FALSE);

  return sng_checkpoint_store_wait (self, error) && sng_checkpoint_store_take_away (self, step, error);
}
