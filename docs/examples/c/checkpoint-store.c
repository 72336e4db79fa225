/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A store of checkpoints without a training: saves, saves in the background,
 * loads the newest one, and shows what is refused where a file was damaged.
 */

#include <glib/gstdio.h>
#include <sng.h>

static SngCheckpoint *
new_checkpoint (guint64 step, GError **error)
{
  const gint64 shape[] = { 2, 3 };
  const double value = (double) step;
  const double values[] = { value, value, value, value, value, value };
  g_autoptr (SngTensor) weight =
      sng_tensor_new_from_values (SNG_DTYPE_F32, shape, 2, values, G_N_ELEMENTS (values), error);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  SngCheckpoint *checkpoint;

  if (weight == NULL)
    return NULL;

  sng_state_dict_set_tensor (state, "weight", weight);
  sng_state_dict_set_double (state, "loss", 1 / value);
  sng_state_dict_set_value (state, "schedule", g_variant_new_string ("cosine"));
  checkpoint = sng_checkpoint_new (step);
  sng_checkpoint_set_state (checkpoint, "model", state);

  return checkpoint;
}

static gboolean
save (SngCheckpointStore *store, guint64 step, GError **error)
{
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (step, error);
  g_autofree char *path = checkpoint != NULL ? sng_checkpoint_store_save (store, checkpoint, error) : NULL;

  return path != NULL;
}

/* The state is copied before begin_save () returns. Step 1 goes when this one is durable. */
static gboolean
save_in_background (SngCheckpointStore *store, guint64 step, GError **error)
{
  const guint64 superseded[] = { 1 };
  g_autoptr (SngCheckpoint) checkpoint = new_checkpoint (step, error);

  return checkpoint != NULL
         && sng_checkpoint_store_begin_save (store, checkpoint, superseded, G_N_ELEMENTS (superseded), error)
         && sng_checkpoint_store_wait (store, error);
}

static gboolean
load_latest (SngCheckpointStore *store, guint64 expected, GError **error)
{
  g_auto (GStrv) refused = NULL;
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_store_load_latest (store, &refused, error);
  SngStateDict *state;
  double loss;

  if (checkpoint == NULL)
    return FALSE;
  for (guint i = 0; refused != NULL && refused[i] != NULL; i++)
    g_print ("refused: %s\n", refused[i]);

  state = sng_checkpoint_lookup_state (checkpoint, "model");
  if (!sng_state_dict_get_double (state, "loss", &loss, error))
    return FALSE;
  g_print ("step %" G_GUINT64_FORMAT ": loss %g, weight from %g\n", sng_checkpoint_get_step (checkpoint),
           loss, sng_tensor_get_value (sng_state_dict_lookup_tensor (state, "weight"), 0));

  return sng_checkpoint_get_step (checkpoint) == expected;
}

static gboolean
damage_newest (SngCheckpointStore *store, GError **error)
{
  g_auto (GStrv) paths = sng_checkpoint_store_list (store, error);
  g_autofree char *path = NULL;
  g_autofree char *content = NULL;
  gsize length;

  if (paths == NULL)
    return FALSE;
  path = g_build_filename (paths[g_strv_length (paths) - 1], "model.safetensors", NULL);
  if (!g_file_get_contents (path, &content, &length, error))
    return FALSE;
  content[length - 1] ^= 1;

  return g_file_set_contents (path, content, (gssize) length, error);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("checkpoints-XXXXXX", &error);
  g_autoptr (SngCheckpointStore) store = directory != NULL ? sng_checkpoint_store_new (directory) : NULL;
  gboolean is_well;

  is_well = store != NULL && save (store, 1, &error) && save (store, 2, &error)
            && save_in_background (store, 3, &error) && load_latest (store, 3, &error)
            && damage_newest (store, &error) && load_latest (store, 2, &error)
            && sng_checkpoint_store_remove (store, 3, &error)
            && sng_checkpoint_store_remove (store, 2, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  if (is_well)
    g_rmdir (directory);

  return is_well ? 0 : 1;
}
