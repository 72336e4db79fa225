/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-checkpoint-store-private.h"

#include "sng-error.h"
#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/* How a checkpoint is found in a store. */

#define MAX_PASSES 16

/* All steps in the order in which to try them: the one that latest names, then descending. */
static GArray *
order_steps (SngCheckpointStore *self, GPtrArray *refused, GError **error)
{
  g_autoptr (GArray) ascending = NULL;
  g_autoptr (GError) failure = NULL;
  GArray *steps;
  gboolean has_latest, found = FALSE;
  guint64 latest = 0;

  /* In this order: what latest names was there before. */
  has_latest = sng_checkpoint_store_read_latest (self, &latest, &failure);
  if ((ascending = sng_checkpoint_store_list_steps (self, error)) == NULL)
    return NULL;

  for (guint i = 0; has_latest && i < ascending->len; i++)
    found |= g_array_index (ascending, guint64, i) == latest;

  if (failure != NULL)
    g_ptr_array_add (refused, g_strdup_printf (SNG_CHECKPOINT_LATEST ": %s", failure->message));
  else if (has_latest && !found)
    g_ptr_array_add (refused, g_strdup_printf (SNG_CHECKPOINT_LATEST ": step %" G_GUINT64_FORMAT
                                                                     ", which it names, is not there",
                                               latest));

  steps = g_array_sized_new (FALSE, FALSE, sizeof (guint64), ascending->len);
  if (found)
    g_array_append_val (steps, latest);
  for (guint i = ascending->len; i > 0; i--)
    if (!found || g_array_index (ascending, guint64, i - 1) != latest)
      g_array_append_val (steps, g_array_index (ascending, guint64, i - 1));

  return steps;
}

/* What tells whether another process has saved or removed something in between. */
static char *
describe_contents (SngCheckpointStore *self)
{
  g_auto (GStrv) names = sng_state_io_list (sng_checkpoint_store_get_path (self), NULL);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (sng_checkpoint_store_get_path (self), names[i], NULL);

      if (names[i][0] != '.')
        g_string_append_printf (text, "%s/%" G_GUINT64_FORMAT "/", names[i], sng_state_io_get_inode (path));
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The first checkpoint that verifies. Without an error and without one, refused has a reason for each, or there is
 * none. */
static SngCheckpoint *
load_first (SngCheckpointStore *self, GPtrArray *refused, gboolean *found, GError **error)
{
  g_autoptr (GArray) steps = order_steps (self, refused, error);
  SngCheckpoint *checkpoint = NULL;

  *found = steps != NULL && steps->len > 0;
  for (guint i = 0; *found && checkpoint == NULL && i < steps->len; i++)
    {
      g_autofree char *name = sng_checkpoint_step_to_name (g_array_index (steps, guint64, i));
      g_autofree char *path = g_build_filename (sng_checkpoint_store_get_path (self), name, NULL);
      g_autoptr (GError) failure = NULL;

      if (sng_state_io_is_link (path))
        g_set_error (&failure, SNG_ERROR, SNG_ERROR_CORRUPT,
                     "is a link, which a store has none of: it is not followed");
      else
        checkpoint = sng_checkpoint_load (path, &failure);
      if (checkpoint == NULL)
        g_ptr_array_add (refused, g_strdup_printf ("%s: %s", name, failure->message));
    }

  return checkpoint;
}

/* Goes over the checkpoints again where some were passed over and another process has changed something meanwhile: it
 * may have taken away what was just being looked at. */
static SngCheckpoint *
load_first_at_rest (SngCheckpointStore *self, GPtrArray *refused, gboolean *found, GError **error)
{
  for (guint pass = 1;; pass++)
    {
      g_autofree char *before = describe_contents (self);
      g_autofree char *after = NULL;
      g_autoptr (SngCheckpoint) checkpoint = NULL;
      g_autoptr (GError) failure = NULL;

      g_ptr_array_set_size (refused, 0);
      checkpoint = load_first (self, refused, found, &failure);
      if (refused->len > 0)
        after = describe_contents (self);
      if (failure != NULL)
        g_propagate_error (error, g_steal_pointer (&failure));
      else if (after != NULL && pass < MAX_PASSES && !g_str_equal (before, after))
        continue;

      return g_steal_pointer (&checkpoint);
    }
}

/**
 * sng_checkpoint_store_load_latest:
 * @self: a store
 * @refused: (out) (optional) (nullable) (transfer full) (array zero-terminated=1): return location for what was passed
 *   over, each with the reason, or %NULL where nothing was
 * @error: return location for an error
 *
 * Loads the newest checkpoint that verifies.
 *
 * That is the one that `latest` names; if it is damaged or not there, the others are
 * tried by descending step. What was passed over is told in @refused, so that
 * nobody goes on from an older state without knowing.
 *
 * Fails with %SNG_ERROR_NOT_FOUND where there is no checkpoint and with
 * %SNG_ERROR_CORRUPT where there are some and none verifies; the message has the
 * reason for each. @refused is then left at %NULL.
 *
 * Returns: (transfer full): the checkpoint
 *
 * Since: 1.0
 */
SngCheckpoint *
sng_checkpoint_store_load_latest (SngCheckpointStore *self, char ***refused, GError **error)
{
  g_autoptr (GPtrArray) reasons = NULL;
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *all = NULL;
  gboolean found;

  g_return_val_if_fail (SNG_IS_CHECKPOINT_STORE (self), NULL);

  if (refused != NULL)
    *refused = NULL;

  reasons = g_ptr_array_new_with_free_func (g_free);
  checkpoint = load_first_at_rest (self, reasons, &found, &failure);
  if (failure != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&failure), "[checkpoint][load] ");
      return NULL;
    }
  if (!found)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[checkpoint][load] there is no checkpoint in '%s'",
                   sng_checkpoint_store_get_path (self));
      return NULL;
    }

  g_ptr_array_add (reasons, NULL);

  if (checkpoint == NULL)
    {
      all = g_strjoinv ("; ", (char **) reasons->pdata);
      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT,
                   "[checkpoint][load] no checkpoint in '%s' can be used: %s",
                   sng_checkpoint_store_get_path (self), all);
      return NULL;
    }
  if (refused != NULL && reasons->len > 1)
    *refused = (char **) g_ptr_array_steal (reasons, NULL);

  return g_steal_pointer (&checkpoint);
}
