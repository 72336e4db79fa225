/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "crash-judge.h"

#include <string.h>

#include "state/sng-checkpoint-private.h"
#include "state/sng-checkpoint-store-private.h"

#define N_NUMBERS 6000 /* 24,000 bytes */

SngCheckpoint *
crash_checkpoint_new (guint64 step, gint64 salt)
{
  const gint64 shape[] = { N_NUMBERS };
  SngCheckpoint *checkpoint = sng_checkpoint_new (step);
  g_autoptr (SngTensor) weights = sng_tensor_new (SNG_DTYPE_F32, shape, 1, NULL, NULL);
  g_autoptr (SngStateDict) model = sng_state_dict_new ();
  g_autoptr (SngStateDict) trainer = sng_state_dict_new ();
  float *numbers = sng_tensor_get_data (weights);

  for (guint i = 0; i < N_NUMBERS; i++)
    numbers[i] = (float) (salt + 1) * (float) (i + 1);
  sng_state_dict_set_tensor (model, "weights", weights);
  sng_state_dict_set_double (trainer, "loss", 1.0 / (double) (salt + 1));
  sng_checkpoint_set_state (checkpoint, "trainer", trainer);
  sng_checkpoint_set_state (checkpoint, "model", model);

  return checkpoint;
}

SngCheckpoint *
crash_part_new (guint64 step, gint64 salt, guint rank, guint n_ranks)
{
  const gint64 shape[] = { N_NUMBERS };
  SngCheckpoint *part = crash_checkpoint_new (step, salt);
  SngStateDict *model = sng_checkpoint_lookup_state (part, "model");
  g_autoptr (SngShard) shard = sng_shard_new_split (shape, 1, 0, rank, n_ranks, NULL);
  g_autoptr (SngTensor) rows = NULL;

  rows = sng_shard_slice (shard, sng_state_dict_lookup_tensor (model, "weights"), NULL);
  g_assert_true (sng_state_dict_set_shard (model, "weights", rows, shard, NULL));

  return part;
}

/* Made once. */
static SngFingerprint *
expected_fingerprint (guint64 step, gint64 salt)
{
  static GHashTable *known;
  gpointer key = GSIZE_TO_POINTER (step * 1000 + (guint64) salt);
  SngFingerprint *fingerprint;

  if (known == NULL)
    known = g_hash_table_new (NULL, NULL);
  fingerprint = g_hash_table_lookup (known, key);
  if (fingerprint == NULL)
    {
      g_autoptr (SngCheckpoint) checkpoint = crash_checkpoint_new (step, salt);

      fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
      g_hash_table_insert (known, key, fingerprint);
    }

  return fingerprint;
}

static const CrashHeld *
find_held (const CrashOutcome *outcome, guint64 step)
{
  for (guint i = 0; i < G_N_ELEMENTS (outcome->held); i++)
    if (outcome->held[i].step == step)
      return &outcome->held[i];

  return NULL;
}

static gboolean
may_name (const CrashOutcome *outcome, gint64 latest)
{
  return latest == outcome->latest[0] || (outcome->latest[1] != 0 && latest == outcome->latest[1]);
}

/* Whether this is, bit by bit, what is held. */
static gboolean
is_held (const CrashOutcome *outcome, SngCheckpoint *checkpoint)
{
  guint64 step = sng_checkpoint_get_step (checkpoint);
  const CrashHeld *held = find_held (outcome, step);
  g_autoptr (SngFingerprint) fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);

  for (guint i = 0; held != NULL && i < G_N_ELEMENTS (held->salts); i++)
    if (held->salts[i] != 0
        && sng_fingerprint_equal (fingerprint, expected_fingerprint (step, held->salts[i])))
      return TRUE;

  return FALSE;
}

static gboolean
is_latest (const CrashOutcome *outcome, SngCheckpoint *checkpoint)
{
  return may_name (outcome, (gint64) sng_checkpoint_get_step (checkpoint)) && is_held (outcome, checkpoint);
}

static char *
judge_latest (SngCheckpointStore *store, const CrashOutcome *before, const CrashOutcome *after)
{
  g_auto (GStrv) refused = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_store_load_latest (store, &refused, &error);

  if (loaded == NULL)
    return g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_FOUND)
                   && (may_name (before, CRASH_NO_LATEST) || may_name (after, CRASH_NO_LATEST))
               ? NULL
               : g_strdup (error->message);
  if (refused != NULL)
    return g_strdup_printf ("refused %s", refused[0]);
  if (!is_latest (before, loaded) && !is_latest (after, loaded))
    return g_strdup_printf ("step %" G_GUINT64_FORMAT " is loaded: neither the old one nor the new one",
                            sng_checkpoint_get_step (loaded));

  return NULL;
}

/* The pointer names one of the two, and what it names is there. */
static char *
judge_pointer (SngCheckpointStore *store, const CrashOutcome *before, const CrashOutcome *after)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  gint64 latest = CRASH_NO_LATEST;
  guint64 step;

  if (sng_checkpoint_store_read_latest (store, &step, &error))
    latest = (gint64) step;
  if (error != NULL)
    return g_strdup_printf ("latest: %s", error->message);
  if (!may_name (before, latest) && !may_name (after, latest))
    return g_strdup_printf ("latest names step %" G_GINT64_FORMAT, latest);
  if (latest == CRASH_NO_LATEST)
    return NULL;

  name = sng_checkpoint_step_to_name (step);
  path = g_build_filename (sng_checkpoint_store_get_path (store), name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_DIR)
             ? NULL
             : g_strdup_printf ("latest names %s, of which there is none", name);
}

static char *
judge_one (SngCheckpointStore *store, guint64 step, const CrashOutcome *before, const CrashOutcome *after)
{
  g_autofree char *name = sng_checkpoint_step_to_name (step);
  g_autofree char *path = g_build_filename (sng_checkpoint_store_get_path (store), name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) loaded = sng_checkpoint_load (path, &error);

  if (loaded == NULL)
    return g_strdup (error->message);

  return is_held (before, loaded) || is_held (after, loaded) ? NULL
                                                             : g_strdup_printf ("%s is a third thing", name);
}

/* Whatever has the name of a checkpoint is one, and none is missing. */
static char *
judge_names (SngCheckpointStore *store, const CrashOutcome *before, const CrashOutcome *after)
{
  g_autoptr (GArray) steps = sng_checkpoint_store_list_steps (store, NULL);
  char *complaint = NULL;

  g_assert_nonnull (steps);
  for (guint i = 0; i < steps->len && complaint == NULL; i++)
    complaint = judge_one (store, g_array_index (steps, guint64, i), before, after);

  for (guint i = 0; i < G_N_ELEMENTS (before->held) && complaint == NULL; i++)
    {
      const CrashHeld *held = &before->held[i];
      const CrashHeld *other = find_held (after, held->step);
      gboolean found = held->step == 0 || other == NULL || held->may_lack || other->may_lack;

      for (guint k = 0; k < steps->len; k++)
        found |= g_array_index (steps, guint64, k) == held->step;
      if (!found)
        complaint = g_strdup_printf ("step %" G_GUINT64_FORMAT " is gone", held->step);
    }

  return complaint;
}

char *
crash_judge_store (const char *root, const CrashOutcome *before, const CrashOutcome *after)
{
  g_autofree char *path = g_build_filename (root, "deep", "checkpoints", NULL);
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  char *complaint = judge_latest (store, before, after);

  if (complaint == NULL)
    complaint = judge_pointer (store, before, after);
  if (complaint == NULL)
    complaint = judge_names (store, before, after);

  return complaint;
}

static gboolean
file_is_held (const CrashOutcome *outcome, SngStateDict *state)
{
  g_autoptr (SngCheckpoint) checkpoint = crash_checkpoint_new (1, outcome->held[0].salts[0]);
  g_autoptr (SngFingerprint) found = sng_state_dict_compute_fingerprint (state);
  g_autoptr (SngFingerprint) expected =
      sng_state_dict_compute_fingerprint (sng_checkpoint_lookup_state (checkpoint, "model"));

  return sng_fingerprint_equal (found, expected);
}

char *
crash_judge_file (const char *root, const CrashOutcome *before, const CrashOutcome *after)
{
  g_autofree char *path = g_build_filename (root, "file", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) loaded = sng_safetensors_load (path, NULL, &error);

  if (loaded == NULL)
    return g_strdup (error->message);

  return file_is_held (before, loaded) || file_is_held (after, loaded) ? NULL : g_strdup ("a third thing");
}

char *
crash_judge_next_save (const char *root)
{
  const guint64 step = 99;
  g_autofree char *path = g_build_filename (root, "deep", "checkpoints", NULL);
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  g_autoptr (SngCheckpoint) checkpoint = crash_checkpoint_new (step, 990);
  g_autoptr (GError) error = NULL;
  g_autofree char *saved = sng_checkpoint_store_save (store, checkpoint, &error);
  g_auto (GStrv) names = list_names (path);
  const CrashOutcome outcome = { { { step, { 990 }, FALSE } }, { (gint64) step } };

  if (saved == NULL)
    return g_strdup (error->message);
  for (guint i = 0; names[i] != NULL; i++)
    if (names[i][0] == '.')
      return g_strdup_printf ("the next save leaves %s", names[i]);

  return judge_latest (store, &outcome, &outcome);
}
