/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a loss of power may leave of each call that changes a store. Each mistake in the order of a writer is planted, and is
 * found. */

#include <string.h>
#include <unistd.h>

#include "crash-scenario.h"

#define MIN_STATES 10000

static guint n_mutants, n_tests_left;

/* Recorded once for all tests of a scenario. */
static CrashRun *
get_run (const CrashScenario *scenario)
{
  static GHashTable *runs;
  CrashRun *run;

  if (runs == NULL)
    runs = g_hash_table_new (NULL, NULL);
  run = g_hash_table_lookup (runs, scenario);
  if (run == NULL)
    {
      run = crash_run_new (scenario, 0);
      g_hash_table_insert (runs, (gpointer) scenario, run);
    }

  return run;
}

static char *
describe_ops (GPtrArray *ops)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < ops->len; i++)
    {
      g_autofree char *line = crash_op_describe (ops->pdata[i]);

      g_string_append_printf (text, "\n  %s", line);
    }

  return g_string_free (text, FALSE);
}

static void
assert_all_well (CrashRun *run, guint from)
{
  g_autofree char *text = NULL;

  if (crash_run_judge (run, run->record->ops, from))
    return;

  text = describe_ops (run->record->ops);
  g_error ("%s: %s%s", run->scenario->name, run->complaint, text);
}

/* The writer as it is leaves no state that is wrong. */
static void
test_states (gconstpointer data)
{
  const CrashScenario *scenario = data;
  CrashRun *run = get_run (scenario);
  CrashCounts before = crash_counts;

  run->is_real = TRUE;
  assert_all_well (run, 0);
  run->is_real = FALSE;
  g_test_message ("%u calls, %u states, %u of them distinct", run->record->ops->len,
                  crash_counts.n_states - before.n_states, crash_counts.n_judged - before.n_judged);
  g_assert_cmpuint (crash_counts.n_judged - before.n_judged, >, 10);
  n_tests_left--;
}

static GPtrArray *
copy_ops (GPtrArray *ops)
{
  GPtrArray *copy = g_ptr_array_sized_new (ops->len);

  for (guint i = 0; i < ops->len; i++)
    g_ptr_array_add (copy, ops->pdata[i]);

  return copy;
}

/* Whether what the writer would leave with this change is found to be wrong. */
static gboolean
is_found (CrashRun *run, GPtrArray *ops, guint from, const char *what, const CrashOp *op)
{
  g_autofree char *text = crash_op_describe (op);

  n_mutants++;
  if (crash_run_judge (run, ops, from))
    return FALSE;
  g_test_message ("%s, %s: %s", what, text, run->complaint);

  return TRUE;
}

static void
check_found (CrashRun *run, GPtrArray *ops, const char *what, const CrashOp *op)
{
  g_autofree char *text = crash_op_describe (op);

  if (!is_found (run, ops, 0, what, op))
    {
      g_autofree char *all = describe_ops (ops);

      g_test_message ("%s", all);
      g_test_fail_printf ("%s: not found: %s, %s", run->scenario->name, what, text);
    }
}

/* Each barrier is needed. */
static void
test_dropped (gconstpointer data)
{
  CrashRun *run = get_run (data);
  guint n = 0;

  for (guint i = 0; i < run->record->ops->len; i++)
    {
      g_autoptr (GPtrArray) ops = copy_ops (run->record->ops);
      const CrashOp *op = ops->pdata[i];

      if (!crash_op_is_sync (op))
        continue;
      g_ptr_array_remove_index (ops, i);
      check_found (run, ops, "dropped", op);
      n++;
    }
  g_assert_cmpuint (n, >=, 2);
}

static gboolean
is_move (const CrashOp *op)
{
  return !op->is_return && (op->verb == SNG_STORAGE_RENAME || op->verb == SNG_STORAGE_EXCHANGE);
}

static gboolean
is_removal (const CrashOp *op)
{
  return !op->is_return && (op->verb == SNG_STORAGE_REMOVE || op->verb == SNG_STORAGE_REMOVE_DIRECTORY);
}

static gboolean
moves (const CrashOp *move, guint node)
{
  return move->node == node || (move->verb == SNG_STORAGE_EXCHANGE && move->other_node == node);
}

/* Whether a barrier is for what is moved, or for a file that was made in it. */
static gboolean
is_sync_of (CrashRun *run, const CrashOp *sync, const CrashOp *move)
{
  if (!crash_op_is_sync (sync))
    return FALSE;
  if (moves (move, sync->node))
    return TRUE;

  for (guint i = 0; i < run->record->ops->len; i++)
    {
      const CrashOp *op = run->record->ops->pdata[i];

      if (!op->is_return && op->verb == SNG_STORAGE_CREATE && op->node == sync->node)
        return moves (move, op->directory);
    }

  return FALSE;
}

static gboolean
is_sync_of_names (const CrashOp *sync, const CrashOp *op)
{
  return crash_op_is_sync (sync) && sync->verb == SNG_STORAGE_SYNC_DIRECTORY
         && sync->directory == op->directory;
}

/* The closest one for what is moved, or -1. */
static int
find_earlier_barrier (CrashRun *run, guint move)
{
  int i = (int) move - 1;

  while (i >= 0 && !is_sync_of (run, run->record->ops->pdata[i], run->record->ops->pdata[move]))
    i--;

  return i;
}

static void
check_swapped (CrashRun *run, guint i, guint k, const char *what)
{
  g_autoptr (GPtrArray) ops = copy_ops (run->record->ops);
  CrashOp *op = ops->pdata[i];

  ops->pdata[i] = ops->pdata[k];
  ops->pdata[k] = op;
  check_found (run, ops, what, op);
}

/* Nothing gets its name before the barrier that it needs, nor after the one that makes the name durable. */
static void
test_overtaken (gconstpointer data)
{
  CrashRun *run = get_run (data);
  GPtrArray *ops = run->record->ops;
  guint n = 0;

  for (guint i = 0; i < ops->len; i++)
    {
      int earlier = find_earlier_barrier (run, i);
      guint later = i + 1;

      if (!is_move (ops->pdata[i]))
        continue;
      while (later < ops->len && !is_sync_of_names (ops->pdata[later], ops->pdata[i]))
        later++;
      if (earlier >= 0)
        check_swapped (run, i, (guint) earlier, "before its barrier");
      g_assert_cmpuint (later, <, ops->len);
      check_swapped (run, i, later, "after its barrier");
      n += 1 + (earlier >= 0);
    }
  g_assert_cmpuint (n, >=, 1);
}

/* Moves the removals number begin to i to where at is. */
static GPtrArray *
advance (GPtrArray *ops, guint begin, guint i, guint at)
{
  GPtrArray *copy = copy_ops (ops);

  for (guint k = begin; k <= i; k++)
    g_ptr_array_insert (copy, (gint) (at + k - begin), g_ptr_array_steal_index (copy, k));

  return copy;
}

/* The barrier that removals wait for: that of the move that has put away what goes. */
static guint
find_barrier_of_removals (GPtrArray *ops, guint begin, guint end)
{
  const CrashOp *last = ops->pdata[end];
  guint move = begin;
  guint barrier;

  do
    g_assert_cmpuint (move--, >, 0);
  while (!is_move (ops->pdata[move]) || !moves (ops->pdata[move], last->node));

  for (barrier = move + 1; !is_sync_of_names (ops->pdata[barrier], ops->pdata[move]); barrier++)
    g_assert_cmpuint (barrier, <, begin);

  return barrier;
}

/* What is old goes only after the new one is durable. A directory goes with what is in it. */
static void
test_removed_early (gconstpointer data)
{
  CrashRun *run = get_run (data);
  GPtrArray *ops = run->record->ops;
  guint n = 0;

  for (guint begin = 1, end; begin < ops->len; begin = end + 1)
    {
      guint barrier;

      for (end = begin; end < ops->len && is_removal (ops->pdata[end]);)
        end++;
      if (end == begin)
        continue;

      barrier = find_barrier_of_removals (ops, begin, end - 1);
      for (guint i = begin; i < end; i++)
        {
          /* Of a file, it alone. */
          guint from = i == end - 1 ? begin : i;
          g_autoptr (GPtrArray) mutant = advance (ops, from, i, barrier);

          check_found (run, mutant, "removed early", ops->pdata[i]);
          n++;
        }
    }
  g_assert_cmpuint (n, >=, 3);
}

/* One who never waits, and one who gives a name first and then writes. */
static void
test_planted (gconstpointer data)
{
  CrashRun *run = get_run (data);
  GPtrArray *ops = run->record->ops;
  g_autoptr (GPtrArray) never = g_ptr_array_new ();
  g_autoptr (GPtrArray) first = copy_ops (ops);
  guint move = 0, create = 0;

  for (guint i = 0; i < ops->len; i++)
    if (!crash_op_is_sync (ops->pdata[i]))
      g_ptr_array_add (never, ops->pdata[i]);
  check_found (run, never, "never waits", ops->pdata[0]);

  while (!is_move (ops->pdata[move]) || find_earlier_barrier (run, move) < 0)
    move++;
  while (((CrashOp *) ops->pdata[create])->verb != SNG_STORAGE_CREATE)
    create++;
  /* A file is made, named and written; a directory of files is made and named before its first one is. */
  create += run->scenario->is_file;
  g_assert_cmpuint (create, <, move);
  g_ptr_array_insert (first, (gint) create, g_ptr_array_steal_index (first, move));
  check_found (run, first, "named first", ops->pdata[move]);
}

/* The barrier before a removal, after the place where the first change ended. */
static gboolean
find_clearing (CrashRun *run, guint *barrier, guint *end)
{
  GPtrArray *ops = run->record->ops;

  for (guint i = run->first; i + 1 < ops->len; i++)
    {
      if (!crash_op_is_sync (ops->pdata[i]) || !is_removal (ops->pdata[i + 1]))
        continue;
      *barrier = *end = i;
      while (*end + 1 < ops->len && is_removal (ops->pdata[*end + 1]))
        (*end)++;
      return TRUE;
    }

  return FALSE;
}

/* Whether something was moved that only this barrier makes durable. */
static gboolean
has_pending_move (GPtrArray *ops, guint barrier)
{
  guint i = barrier;

  while (i > 0 && !is_sync_of_names (ops->pdata[i - 1], ops->pdata[barrier]))
    if (is_move (ops->pdata[--i]) && is_sync_of_names (ops->pdata[barrier], ops->pdata[i]))
      return TRUE;

  return FALSE;
}

/* Stopped at each of its calls. Where what was left then is removed, a barrier is before that; without it there is a moment
 * where the wrong thing is removed. */
static void
test_stopped (gconstpointer data)
{
  const CrashScenario *scenario = data;
  CrashCounts before = crash_counts;
  guint n_dropped = 0, n_early = 0, n_clearings = 0, n = 0;
  gboolean ended = TRUE;

  while (ended)
    {
      g_autoptr (CrashRun) run = crash_run_new (scenario, n);
      g_autoptr (GPtrArray) dropped = copy_ops (run->record->ops);
      g_autoptr (GPtrArray) early = NULL;
      guint barrier, end;

      ended = run->ended;
      n += ended;
      run->is_real = TRUE;
      assert_all_well (run, run->first);
      run->is_real = FALSE;
      if (!ended || !find_clearing (run, &barrier, &end))
        continue;
      n_clearings++;
      if (!has_pending_move (run->record->ops, barrier))
        continue;
      early = advance (dropped, barrier + 1, end, barrier);
      g_ptr_array_remove_index (dropped, barrier);
      n_dropped += is_found (run, dropped, run->first, "dropped", run->record->ops->pdata[barrier]);
      n_early += is_found (run, early, run->first, "removed early", run->record->ops->pdata[end]);
    }

  g_test_message ("stopped at %u calls, %u states, %u of them distinct; %u barriers before a removal, needed "
                  "in %u and %u",
                  n, crash_counts.n_states - before.n_states, crash_counts.n_judged - before.n_judged,
                  n_clearings, n_dropped, n_early);
  if (scenario->end != CRASH_END_RETURN)
    g_assert_cmpuint (n, >=, 10);
  /* One that was killed beside another has put nothing that anybody could see under a hidden name. */
  if (!scenario->next_fails
      && (scenario->end == CRASH_END_FAILURE
          || (scenario->end == CRASH_END_KILL && scenario->before[1].step != 0)))
    {
      g_assert_cmpuint (n_dropped, >, 0);
      g_assert_cmpuint (n_early, >, 0);
    }
  n_tests_left--;
}

typedef struct
{
  SngStorageVerb verb;
  const char *name;
  const char *other;
} Step;

/* Calls, of which the first so many are durable, and how many states a crash after the last one can leave. */
typedef struct
{
  const char *name;
  guint n_states;
  guint n_durable;
  Step steps[12];
} Case;

#define FILE_(name)                                                                                          \
 { SNG_STORAGE_CREATE, name, NULL },                                                                         \
 {                                                                                                           \
  SNG_STORAGE_WRITE, name, NULL                                                                              \
 }
#define SYNC(name)                                                                                           \
 {                                                                                                           \
  SNG_STORAGE_SYNC, name, NULL                                                                               \
 }
#define SYNC_NAMES                                                                                           \
 {                                                                                                           \
  SNG_STORAGE_SYNC_DIRECTORY, "", NULL                                                                       \
 }

static const Case cases[] = {
  /* No name; no byte; zeros; the bytes. */
  { "nothing waited for", 4, 0, { FILE_ ("a") } },
  { "contents", 2, 0, { FILE_ ("a"), SYNC ("a") } },
  { "names", 3, 0, { FILE_ ("a"), SYNC_NAMES } },
  { "both", 1, 0, { FILE_ ("a"), SYNC ("a"), SYNC_NAMES } },
  { "waited for too early",
    4,
    0,
    { { SNG_STORAGE_CREATE, "a", NULL }, SYNC ("a"), { SNG_STORAGE_WRITE, "a", NULL } } },
  /* Two cuts, and what is before them or behind them with or without zeros. */
  { "parts",
    9,
    0,
    { { SNG_STORAGE_CREATE, "long", NULL }, SYNC_NAMES, { SNG_STORAGE_WRITE, "long", NULL } } },
  /* Neither, either, both. */
  { "two names", 4, 0, { FILE_ ("a"), SYNC ("a"), FILE_ ("b"), SYNC ("b") } },
  /* The old one; the new one beside it; the new one in its place. */
  { "rename", 3, 2, { FILE_ ("a"), FILE_ ("b"), SYNC ("b"), { SNG_STORAGE_RENAME, "b", "a" } } },
  { "exchange", 2, 4, { FILE_ ("a"), FILE_ ("b"), { SNG_STORAGE_EXCHANGE, "a", "b" } } },
  { "link and remove",
    4,
    2,
    { FILE_ ("a"), { SNG_STORAGE_LINK, "a", "b" }, { SNG_STORAGE_REMOVE, "a", NULL } } },
  /* Not there; there, or there under its new name, with or without the file. */
  { "directory",
    5,
    0,
    { { SNG_STORAGE_MAKE_DIRECTORY, "d", NULL },
      FILE_ ("d/a"),
      SYNC ("d/a"),
      { SNG_STORAGE_RENAME, "d", "e" } } },
  /* With its file, without, and not there. It cannot go with a file in it. */
  { "remove a directory",
    3,
    3,
    { { SNG_STORAGE_MAKE_DIRECTORY, "d", NULL },
      FILE_ ("d/a"),
      { SNG_STORAGE_REMOVE, "d/a", NULL },
      { SNG_STORAGE_REMOVE_DIRECTORY, "d", NULL } } },
};

static void
perform (TestDisk *disk, const char *directory, const Step *step)
{
  static int fd = -1; /* of the file that was made last */
  g_autofree char *path = g_build_filename (directory, *step->name != '\0' ? step->name : NULL, NULL);
  g_autofree char *other = step->other != NULL ? g_build_filename (directory, step->other, NULL) : NULL;
  g_autofree char *bytes = g_strnfill (g_str_equal (step->name, "long") ? 1200 : 1, step->name[0]);
  SngStorageCall call = { .verb = step->verb, .path = path, .other = other, .fd = fd, .data = bytes };
  gint64 result;

  call.n_bytes = strlen (bytes);
  result = sng_storage_perform (*disk->top, &call);
  g_assert_cmpint (result, >=, 0);
  if (step->verb == SNG_STORAGE_CREATE)
    {
      if (fd >= 0)
        close (fd);
      fd = (int) result;
    }
}

static gboolean
count_cb (CrashTree *tree, guint n_returned, gpointer data)
{
  guint64 digest = crash_tree_digest (tree);

  g_hash_table_add (data, g_memdup2 (&digest, sizeof digest));

  return TRUE;
}

/* The states that can be, and no others. */
static void
test_model (gconstpointer data)
{
  const Case *one = data;
  g_autofree char *directory = fixture_make_tmp ();
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (CrashRecord) record = NULL;
  SngStorage *top = sng_storage_get_posix ();
  TestDisk disk;

  test_disk_init (&disk, &top);
  for (guint i = 0; i < G_N_ELEMENTS (one->steps) && one->steps[i].name != NULL; i++)
    {
      if (i == one->n_durable)
        {
          record = crash_record_new (directory);
          disk.is_noting = TRUE;
        }
      perform (&disk, directory, &one->steps[i]);
    }
  crash_record_take (record, &disk);
  g_assert_true (crash_enumerate (record, record->ops, record->ops->len, count_cb, found));
  g_assert_cmpuint (g_hash_table_size (found), ==, one->n_states);
  test_disk_clear (&disk);
  fixture_remove (directory);
}

static void
test_count (void)
{
  g_test_message (
      "%u states (a point in time and a choice of what is lost), %u distinct in what is on the disk and what "
      "was "
      "promised by then, %u in what is on the disk; %u of these were saved to; %u mutants in %u states",
      crash_counts.n_states, crash_counts.n_judged, crash_counts.n_trees, crash_counts.n_next_saves,
      n_mutants, crash_counts.n_mutant_states);
  if (n_tests_left > 0)
    g_test_skip ("not all states were asked for");
  else
    g_assert_cmpuint (crash_counts.n_judged, >=, MIN_STATES);
}

static void
add (const char *kind, const CrashScenario *scenario, void (*test) (gconstpointer data))
{
  g_autofree char *path =
      g_strdup_printf ("/sng/crash/%s%s%s", kind, *kind != '\0' ? "/" : "", scenario->name);

  g_test_add_data_func (path, scenario, test);
  n_tests_left += test == test_states || test == test_stopped;
}

int
main (int argc, char *argv[])
{
  int status;

  crash_set_up ();
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/crash/model/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_model);
    }
  for (const CrashScenario *scenario = crash_scenarios; scenario->name != NULL; scenario++)
    {
      gboolean removes = scenario->changes[0].salt == 0;

      add ("states", scenario, test_states);
      add ("dropped", scenario, test_dropped);
      add ("overtaken", scenario, test_overtaken);
      if (removes || scenario->changes[1].step != 0 || strstr (scenario->name, "replace") != NULL)
        add ("removed-early", scenario, test_removed_early);
      if (!removes)
        add ("planted", scenario, test_planted);
    }
  for (const CrashScenario *scenario = crash_stopped; scenario->name != NULL; scenario++)
    add ("", scenario, test_stopped);
  g_test_add_func ("/sng/crash/all/count", test_count);

  status = g_test_run ();
  crash_tear_down ();

  return status;
}
