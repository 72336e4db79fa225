/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "crash-scenario.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "state/sng-checkpoint-store-private.h"
#include "state/sng-safetensors-private.h"

#define NEXT_SAVE_EVERY 8 /* states */

CrashCounts crash_counts;

static char *scratch;
static GHashTable *trees;
static GHashTable *verdicts; /* by scenario */

/* The names say which steps there are, with which salts where that matters; the last one is the latest. */
static const CrashOutcome nothing = { .latest = { CRASH_NO_LATEST } };
static const CrashOutcome only_3 = { { { 3, { 30 }, FALSE } }, { 3 } };
static const CrashOutcome only_7 = { { { 7, { 70 }, FALSE } }, { 7 } };
static const CrashOutcome old_3_7 = { { { 3, { 30 }, FALSE }, { 7, { 70 }, FALSE } }, { 7 } };
static const CrashOutcome new_3_7 = { { { 3, { 30 }, FALSE }, { 7, { 71 }, FALSE } }, { 7 } };
static const CrashOutcome newest_3_7 = { { { 3, { 30 }, FALSE }, { 7, { 72 }, FALSE } }, { 7 } };
static const CrashOutcome old_7_9 = { { { 7, { 70 }, FALSE }, { 9, { 90 }, FALSE } }, { 9 } };
static const CrashOutcome new_9_7 = { { { 9, { 90 }, FALSE }, { 7, { 71 }, FALSE } }, { 7 } };
static const CrashOutcome old_3_7_8 = { { { 3, { 30 }, FALSE }, { 7, { 70 }, FALSE }, { 8, { 80 }, FALSE } },
                                        { 8 } };
/* Nobody was told whether step 7 is there, or whether it is the new one. */
static const CrashOutcome maybe_7 = { { { 7, { 70 }, TRUE } }, { CRASH_NO_LATEST, 7 } };
static const CrashOutcome maybe_7_8 = { { { 7, { 70 }, TRUE }, { 8, { 80 }, FALSE } }, { 8 } };
static const CrashOutcome maybe_3_7 = { { { 3, { 30 }, FALSE }, { 7, { 70 }, TRUE } }, { 3, 7 } };
static const CrashOutcome maybe_3_7_8 = { { { 3, { 30 }, FALSE }, { 7, { 70 }, TRUE }, { 8, { 80 }, FALSE } },
                                          { 8 } };
static const CrashOutcome either_3_7 = { { { 3, { 30 }, FALSE }, { 7, { 70, 71 }, FALSE } }, { 7 } };
static const CrashOutcome either_3_7_8 = {
  { { 3, { 30 }, FALSE }, { 7, { 70, 71 }, FALSE }, { 8, { 80 }, FALSE } },
  { 8 }
};
static const CrashOutcome either_7_9 = { { { 7, { 70, 71 }, FALSE }, { 9, { 90 }, FALSE } }, { 9, 7 } };
static const CrashOutcome either_7_9_8 = {
  { { 7, { 70, 71 }, FALSE }, { 9, { 90 }, FALSE }, { 8, { 80 }, FALSE } },
  { 8 }
};
static const CrashOutcome old_file = { .held = { { 1, { 10 }, FALSE } } };
static const CrashOutcome new_file = { .held = { { 1, { 11 }, FALSE } } };

/* What a save finds there it takes for durable, so the first one is not stopped while it makes this. */
static void
make_directory (Fixture *fixture)
{
  g_assert_cmpint (g_mkdir_with_parents (sng_checkpoint_store_get_path (fixture->store), 0777), ==, 0);
}

static void
put_aside (Fixture *fixture)
{
  g_autofree char *path = get_path (fixture, "step-00000007", NULL);
  g_autofree char *aside = get_path (fixture, ".step-00000007.old", NULL);

  g_assert_cmpint (g_rename (path, aside), ==, 0);
}

/* A save of step 7 was killed in the midst of a file, and another one in the midst of its pointer. */
static void
leave_halves (Fixture *fixture)
{
  g_autofree char *pointer = get_path (fixture, ".latest.tmp-123abc", NULL);
  g_autofree char *directory = get_path (fixture, ".step-00000007.tmp-abc123", NULL);
  g_autofree char *file = g_build_filename (directory, "model.safetensors", NULL);

  fixture_write (pointer, "step-0", 6);
  g_assert_cmpint (g_mkdir (directory, 0777), ==, 0);
  fixture_write (file, "half", 4);
}

static void
leave_between_renames (Fixture *fixture)
{
  put_aside (fixture);
  leave_halves (fixture);
}

/* The new one is in place, and what it has replaced is half gone. */
static void
leave_replaced (Fixture *fixture)
{
  g_autofree char *directory = get_path (fixture, ".step-00000007.old", NULL);
  g_autofree char *file = g_build_filename (directory, "model.safetensors", NULL);

  g_assert_cmpint (g_mkdir (directory, 0777), ==, 0);
  fixture_write (file, "half", 4);
}

/* Four ranks have saved parts of step 7, and the training goes on with two. */
static void
leave_parts (Fixture *fixture)
{
  for (guint rank = 0; rank < 4; rank++)
    {
      g_autoptr (SngCheckpoint) part = crash_part_new (7, 71, rank, 4);

      g_assert_true (sng_checkpoint_store_save_rank (fixture->store, part, rank, 4, NULL));
    }
}

const CrashScenario crash_scenarios[] = {
  { "first", .changes = { { 7, 70 } }, .outcomes = { &nothing, &only_7 } },
  { "beside", { { 3, 30 } }, { { 7, 70 } }, { &only_3, &old_3_7 } },
  { "replace", { { 3, 30 }, { 7, 70 } }, { { 7, 71 } }, { &old_3_7, &new_3_7 } },
  { "replace/no-exchange", { { 3, 30 }, { 7, 70 } }, { { 7, 71 } }, { &old_3_7, &new_3_7 }, .plain = TRUE },
  { "replace-older", { { 7, 70 }, { 9, 90 } }, { { 7, 71 } }, { &old_7_9, &new_9_7 } },
  { "replace-older/no-exchange",
    { { 7, 70 }, { 9, 90 } },
    { { 7, 71 } },
    { &old_7_9, &new_9_7 },
    .plain = TRUE },
  { "keep-one", { { 3, 30 } }, { { 7, 70 }, { 3, 0 } }, { &only_3, &old_3_7, &only_7 } },
  { "remove-latest", { { 3, 30 }, { 7, 70 } }, { { 7, 0 } }, { &old_3_7, &only_3 } },
  { "remove-last", { { 7, 70 } }, { { 7, 0 } }, { &only_7, &nothing } },
  { "ranks", .changes = { { 7, 70, 2 } }, .outcomes = { &nothing, &only_7 } },
  { "ranks/beside", { { 3, 30 } }, { { 7, 70, 2 } }, { &only_3, &old_3_7 } },
  { "ranks/replace", { { 3, 30 }, { 7, 70, 2 } }, { { 7, 71, 2 } }, { &old_3_7, &new_3_7 } },
  { "ranks/replace/no-exchange",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 } },
    { &old_3_7, &new_3_7 },
    .plain = TRUE },
  { "ranks/replace-one", { { 3, 30 }, { 7, 70 } }, { { 7, 71, 2 } }, { &old_3_7, &new_3_7 } },
  { "ranks/replace-one/no-exchange",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71, 2 } },
    { &old_3_7, &new_3_7 },
    .plain = TRUE },
  { "one/replace-ranks", { { 3, 30 }, { 7, 70, 2 } }, { { 7, 71 } }, { &old_3_7, &new_3_7 } },
  { "file", { { 1, 10 } }, { { 1, 11 } }, { &old_file, &new_file }, .is_file = TRUE },
  { NULL },
};

/* What was there before a loss of power is durable after it. But one that was killed before the power is lost has not
 * waited for the disk: all that it had done by then may be lost still, or come to the disk before what it had done first. */
const CrashScenario crash_stopped[] = {
  { "durable/halves",
    { { 3, 30 }, { 7, 70 } },
    { { 8, 80 } },
    { &old_3_7, &old_3_7_8 },
    .damage = leave_halves },
  { "durable/between-renames",
    { { 3, 30 }, { 7, 70 } },
    { { 8, 80 } },
    { &old_3_7, &old_3_7_8 },
    .damage = leave_between_renames },
  { "durable/between-renames/same",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 72 } },
    { &old_3_7, &newest_3_7 },
    .damage = leave_between_renames,
    .plain = TRUE },
  { "durable/replaced",
    { { 3, 30 }, { 7, 70 } },
    { { 8, 80 } },
    { &old_3_7, &old_3_7_8 },
    .damage = leave_replaced },
  { "killed/first", .changes = { { 7, 70 }, { 8, 80 } }, .outcomes = { &maybe_7, &maybe_7_8 },
    .end = CRASH_END_KILL, .damage = make_directory },
  { "killed/beside",
    { { 3, 30 } },
    { { 7, 70 }, { 8, 80 } },
    { &maybe_3_7, &maybe_3_7_8 },
    .end = CRASH_END_KILL },
  { "killed/beside/again",
    { { 3, 30 } },
    { { 7, 70 }, { 7, 71 } },
    { &maybe_3_7, &new_3_7 },
    .end = CRASH_END_KILL },
  { "killed/replace",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 }, { 8, 80 } },
    { &either_3_7, &either_3_7_8 },
    .end = CRASH_END_KILL },
  { "killed/replace/no-exchange",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 }, { 8, 80 } },
    { &either_3_7, &either_3_7_8 },
    .end = CRASH_END_KILL,
    .plain = TRUE },
  { "killed/replace-older",
    { { 7, 70 }, { 9, 90 } },
    { { 7, 71 }, { 8, 80 } },
    { &either_7_9, &either_7_9_8 },
    .end = CRASH_END_KILL },
  { "killed/again/no-exchange",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 }, { 7, 72 } },
    { &either_3_7, &newest_3_7 },
    .end = CRASH_END_KILL,
    .plain = TRUE },
  { "killed/remove/no-exchange",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 }, { 7, 0 } },
    { &either_3_7, &only_3 },
    .end = CRASH_END_KILL,
    .plain = TRUE },
  { "durable/ranks/more-parts",
    { { 3, 30 } },
    { { 7, 70, 2 } },
    { &only_3, &old_3_7 },
    .damage = leave_parts },
  { "killed/ranks",
    { { 3, 30 } },
    { { 7, 70, 2 }, { 7, 71, 2 } },
    { &maybe_3_7, &new_3_7 },
    .end = CRASH_END_KILL },
  { "killed/ranks/replace",
    { { 3, 30 }, { 7, 70, 3 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL },
  { "killed/ranks/replace/no-exchange",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL,
    .plain = TRUE },
  { "killed/ranks/replace-one",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL },
  { "killed/ranks/then-one",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 8, 80 } },
    { &either_3_7, &either_3_7_8 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL },
  { "killed/ranks/replace/then-failed",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL,
    .next_fails = TRUE },
  { "killed/ranks/replace-one/then-failed",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_KILL,
    .next_fails = TRUE },
  { "failed/ranks",
    { { 3, 30 } },
    { { 7, 70, 2 }, { 7, 71, 2 } },
    { &maybe_3_7, &new_3_7 },
    .end = CRASH_END_FAILURE },
  { "failed/ranks/replace",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_FAILURE },
  { "failed/ranks/replace/no-exchange",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_FAILURE,
    .plain = TRUE },
  { "failed/first", .changes = { { 7, 70 } }, .outcomes = { &maybe_7 }, .end = CRASH_END_FAILURE,
    .damage = make_directory },
  { "failed/beside", { { 3, 30 } }, { { 7, 70 } }, { &maybe_3_7 }, .end = CRASH_END_FAILURE },
  { "failed/replace", { { 3, 30 }, { 7, 70 } }, { { 7, 71 } }, { &either_3_7 }, .end = CRASH_END_FAILURE },
  { "failed/replace/no-exchange",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 } },
    { &either_3_7 },
    .end = CRASH_END_FAILURE,
    .plain = TRUE },
  { "failed/replace-older",
    { { 7, 70 }, { 9, 90 } },
    { { 7, 71 } },
    { &either_7_9 },
    .end = CRASH_END_FAILURE },
  { "unsynced/replace",
    { { 3, 30 }, { 7, 70 } },
    { { 7, 71 }, { 7, 72 } },
    { &either_3_7, &newest_3_7 },
    .end = CRASH_END_NO_SYNC },
  { "unsynced/ranks/replace",
    { { 3, 30 }, { 7, 70, 2 } },
    { { 7, 71, 2 }, { 7, 72, 2 } },
    { &either_3_7, &newest_3_7 },
    .in_commit = TRUE,
    .end = CRASH_END_NO_SYNC },
  { NULL },
};

/* Lets one call fail, and after it what cannot work any more. */
typedef struct
{
  SngStorage storage;
  const char *names_of; /* only syncs of this directory count; NULL: each call does */
  guint n_left;
  CrashEnd end;
  gboolean ended;
  CrashRecord *record;
  TestDisk *disk;
  guint first;
} Ending;

static gint64
ending_perform (SngStorage *storage, const SngStorageCall *call)
{
  Ending *self = (Ending *) storage;
  gboolean fails = self->ended
                   && (self->end == CRASH_END_KILL
                       || (self->end == CRASH_END_NO_SYNC && call->verb == SNG_STORAGE_SYNC_DIRECTORY));
  gboolean counts = self->names_of == NULL
                    || (call->verb == SNG_STORAGE_SYNC_DIRECTORY && g_str_equal (call->path, self->names_of));

  if (!self->ended && counts && self->n_left-- == 0)
    {
      crash_record_take (self->record, self->disk);
      self->first = self->record->ops->len;
      self->ended = fails = TRUE;
    }
  if (!fails)
    return sng_storage_perform (storage->next, call);
  /* The test goes on, and needs its descriptors. */
  if (call->verb == SNG_STORAGE_CLOSE)
    sng_storage_perform (storage->next, call);

  return -EIO;
}

/* That of another process. */
static SngCheckpointStore *
new_store (Fixture *fixture)
{
  SngCheckpointStore *store = sng_checkpoint_store_new (sng_checkpoint_store_get_path (fixture->store));

  *sng_checkpoint_store_get_storage (store) = *sng_checkpoint_store_get_storage (fixture->store);

  return store;
}

static gboolean
save_parts (Fixture *fixture, const CrashChange *change)
{
  gboolean are_saved = TRUE;

  for (guint rank = change->n_ranks; rank > 0; rank--)
    {
      g_autoptr (SngCheckpointStore) store = new_store (fixture);
      g_autoptr (SngCheckpoint) part = crash_part_new (change->step, change->salt, rank - 1, change->n_ranks);

      are_saved &= sng_checkpoint_store_save_rank (store, part, rank - 1, change->n_ranks, NULL);
    }

  return are_saved;
}

static gboolean
commit_parts (Fixture *fixture, const CrashChange *change)
{
  g_autoptr (SngCheckpointStore) store = new_store (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  path = sng_checkpoint_store_commit_ranks (store, change->step, change->n_ranks, &error);
  g_assert_true ((path != NULL) == (error == NULL));

  return path != NULL;
}

/* A store in which a save was killed between two renames has no step to remove. */
static gboolean
make_change (Fixture *fixture, const CrashChange *change)
{
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  if (change->salt == 0)
    return sng_checkpoint_store_remove (fixture->store, change->step, NULL);
  if (change->n_ranks > 0)
    return save_parts (fixture, change) && commit_parts (fixture, change);

  checkpoint = crash_checkpoint_new (change->step, change->salt);
  path = sng_checkpoint_store_save (fixture->store, checkpoint, &error);
  g_assert_true ((path != NULL) == (error == NULL));

  return path != NULL;
}

static gboolean
make_file (Fixture *fixture, const CrashChange *change)
{
  g_autofree char *path = g_build_filename (fixture->directory, "file", NULL);
  g_autoptr (SngCheckpoint) checkpoint = crash_checkpoint_new (change->step, change->salt);

  return sng_safetensors_save_to (*sng_checkpoint_store_get_storage (fixture->store), path,
                                  sng_checkpoint_lookup_state (checkpoint, "model"), NULL, NULL);
}

static gboolean
make (const CrashScenario *scenario, Fixture *fixture, const CrashChange *change)
{
  return scenario->is_file ? make_file (fixture, change) : make_change (fixture, change);
}

static gboolean
record_change (CrashRun *self, Fixture *fixture, const CrashChange *change, Ending *ending)
{
  SngStorage **top = sng_checkpoint_store_get_storage (fixture->store);
  gboolean is_prepared = ending != NULL && ending->names_of == NULL && self->scenario->in_commit;
  gboolean has_returned;

  if (is_prepared)
    g_assert_true (save_parts (fixture, change));
  if (ending != NULL)
    sng_storage_push (top, &ending->storage);
  has_returned = is_prepared ? commit_parts (fixture, change) : make (self->scenario, fixture, change);
  crash_record_take (self->record, &fixture->disk);
  if (ending != NULL)
    sng_storage_remove (top, &ending->storage);
  else if (has_returned)
    crash_record_return (self->record);

  return has_returned;
}

static void
record_changes (CrashRun *self, Fixture *fixture, guint n_calls)
{
  const CrashScenario *scenario = self->scenario;
  Ending ending = { .storage = { ending_perform, NULL },
                    .n_left = n_calls,
                    .end = scenario->end,
                    .record = self->record,
                    .disk = &fixture->disk };
  Ending failure = { .storage = { ending_perform, NULL },
                     .names_of = sng_checkpoint_store_get_path (fixture->store),
                     .record = self->record,
                     .disk = &fixture->disk };
  gboolean stops = scenario->end != CRASH_END_RETURN;
  gboolean has_returned;

  fixture->disk.is_noting = TRUE;
  has_returned = record_change (self, fixture, &scenario->changes[0], stops ? &ending : NULL);
  g_assert_true (has_returned || stops);
  self->first = ending.first;
  self->ended = ending.ended;
  if (scenario->changes[1].step == 0)
    return;

  has_returned = record_change (self, fixture, &scenario->changes[1], scenario->next_fails ? &failure : NULL);
  if (scenario->next_fails)
    g_assert_false (has_returned);
  else
    g_assert_true (has_returned || scenario->end == CRASH_END_KILL);
}

/* By state and number of returns; for all runs of a scenario. */
static GHashTable *
get_verdicts (const CrashScenario *scenario)
{
  GHashTable *found = g_hash_table_lookup (verdicts, scenario);

  if (found == NULL)
    {
      found = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
      g_hash_table_insert (verdicts, (gpointer) scenario, found);
    }

  return found;
}

CrashRun *
crash_run_new (const CrashScenario *scenario, guint n_calls)
{
  CrashRun *self = g_new0 (CrashRun, 1);
  Fixture fixture = { 0 };

  self->scenario = scenario;
  self->verdicts = get_verdicts (scenario);
  fixture_set_up (&fixture, scenario->plain ? "" : NULL);
  for (guint i = 0; i < G_N_ELEMENTS (scenario->before) && scenario->before[i].step != 0; i++)
    g_assert_true (make (scenario, &fixture, &scenario->before[i]));
  if (scenario->damage != NULL)
    scenario->damage (&fixture);

  self->record = crash_record_new (fixture.directory);
  /* What becomes of the files of ranks is seen where nothing is stopped. */
  self->record->is_coarse = scenario->end != CRASH_END_RETURN && scenario->changes[0].n_ranks > 0;
  record_changes (self, &fixture, n_calls);
  fixture_tear_down (&fixture, NULL);

  return self;
}

void
crash_run_free (CrashRun *self)
{
  crash_record_free (self->record);
  g_free (self);
}

/* Of a state that was not seen yet. */
static char *
judge_tree (CrashRun *self, CrashTree *tree, guint n_returned)
{
  const CrashScenario *scenario = self->scenario;
  const CrashOutcome *before = scenario->outcomes[n_returned];
  const CrashOutcome *after =
      n_returned + 1 < G_N_ELEMENTS (scenario->outcomes) ? scenario->outcomes[n_returned + 1] : NULL;
  g_autofree char *path = g_build_filename (scratch, "state", NULL);
  char *complaint;

  g_assert_nonnull (before);
  crash_tree_write (tree, path);
  complaint = (scenario->is_file ? crash_judge_file : crash_judge_store) (path, before,
                                                                          after != NULL ? after : before);
  crash_counts.n_judged += self->is_real;
  if (complaint == NULL && self->is_real && !scenario->is_file
      && crash_counts.n_judged % NEXT_SAVE_EVERY == 0)
    {
      crash_counts.n_next_saves++;
      complaint = crash_judge_next_save (path);
    }
  fixture_remove (path);

  return complaint != NULL ? complaint : g_strdup ("");
}

static gboolean
judge_cb (CrashTree *tree, guint n_returned, gpointer data)
{
  CrashRun *self = data;
  guint64 digest = crash_tree_digest (tree);
  guint64 key = digest + n_returned * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  crash_counts.n_states += self->is_real;
  crash_counts.n_mutant_states += !self->is_real;
  if (self->is_real && !g_hash_table_contains (trees, &digest))
    {
      crash_counts.n_trees++;
      g_hash_table_add (trees, g_memdup2 (&digest, sizeof digest));
    }
  self->complaint = g_hash_table_lookup (self->verdicts, &key);
  if (self->complaint == NULL)
    {
      char *complaint = judge_tree (self, tree, n_returned);

      g_hash_table_insert (self->verdicts, g_memdup2 (&key, sizeof key), complaint);
      self->complaint = complaint;
    }

  return *self->complaint == '\0';
}

gboolean
crash_run_judge (CrashRun *self, GPtrArray *ops, guint from)
{
  return crash_enumerate (self->record, ops, from, judge_cb, self);
}

void
crash_set_up (void)
{
  if (g_access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", TRUE);
  scratch = fixture_make_tmp ();
  trees = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  verdicts = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
}

void
crash_tear_down (void)
{
  fixture_remove (scratch);
  g_clear_pointer (&scratch, g_free);
  g_clear_pointer (&trees, g_hash_table_unref);
  g_clear_pointer (&verdicts, g_hash_table_unref);
}
