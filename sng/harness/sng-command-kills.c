/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A kill before each file operation of a command: CONTINUOUS with its operations counted, then for each of these a STOP that is killed
 * right before it, and a RESUME. */

#include "harness/sng-command-kills-private.h"

#include <stdlib.h>
#include <string.h>

#include "harness/sng-shim-file-private.h"
#include "sng-error.h"
#include "state/sng-state-io-private.h"

#define COUNTER "operations.count"
#define LOG "operations.log"

/* ---- Counting ---- */

/* Without links, as far as it is there: so the paths of operations begin. */
static char *
dup_real_path (const char *path)
{
  g_autofree char *real = realpath (path, NULL);
  g_autofree char *parent = NULL;
  g_autofree char *name = NULL;
  g_autofree char *real_parent = NULL;

  if (real != NULL)
    return g_strdup (real);
  if (g_str_equal (path, "/"))
    return g_strdup (path);

  parent = g_path_get_dirname (path);
  name = g_path_get_basename (path);
  real_parent = dup_real_path (parent);

  return g_build_filename (real_parent, name, NULL);
}

static char *
dup_directory (SngCommandHarness *self)
{
  g_autofree char *checkpoints = sng_command_harness_dup_checkpoint_path (self);
  g_autofree char *path = NULL;

  if (self->kill_dir == NULL)
    path = g_steal_pointer (&checkpoints);
  else if (g_str_has_prefix (self->kill_dir, SNG_CHECKPOINT_DIR_PLACE))
    path = g_strconcat (checkpoints, self->kill_dir + strlen (SNG_CHECKPOINT_DIR_PLACE), NULL);
  else
    path = g_canonicalize_filename (self->kill_dir, NULL);

  return dup_real_path (path);
}

static char *
dup_file (SngCommandHarness *self, const SngRun *run, const char *name)
{
  g_autofree char *directory = sng_harness_dup_run_path (SNG_HARNESS (self), run->name);

  return g_build_filename (directory, name, NULL);
}

gboolean
sng_command_count_operations (SngCommandHarness *self,
                              const SngRun *run,
                              GSubprocessLauncher *launcher,
                              GError **error)
{
  g_autofree char *shim = NULL;
  g_autofree char *preload = NULL;
  g_autofree char *directory = dup_directory (self);
  g_autofree char *counter = dup_file (self, run, COUNTER);
  g_autofree char *log = dup_file (self, run, LOG);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, run->kill_at);
  const char *before = g_getenv ("LD_PRELOAD");

  if (!run->counts_operations)
    return TRUE;

  if ((shim = sng_shim_find_file (error)) == NULL)
    return FALSE;

  preload = before != NULL && *before != '\0' ? g_strconcat (shim, ":", before, NULL) : g_strdup (shim);
  g_subprocess_launcher_setenv (launcher, "LD_PRELOAD", preload, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_SHIM_DIR", directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_SHIM_COUNTER", counter, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_SHIM_LOG", log, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_SHIM_KILL_GROUP", "1", TRUE);
  if (run->kill_at > 0)
    g_subprocess_launcher_setenv (launcher, "SNG_SHIM_KILL_AT", number, TRUE);
  else
    g_subprocess_launcher_unsetenv (launcher, "SNG_SHIM_KILL_AT");

  return TRUE;
}

/* The library leaves how many operations have begun, how many have ended, and who was killed. */
gboolean
sng_command_was_killed (SngCommandHarness *self, const SngRun *run)
{
  g_autofree char *path = dup_file (self, run, COUNTER);
  g_autofree char *contents = NULL;
  guint64 counter[3] = { 0 };
  gsize length;

  if (g_file_get_contents (path, &contents, &length, NULL))
    memcpy (counter, contents, MIN (length, sizeof counter));

  return counter[2] != 0;
}

/* ---- What they were ---- */

/* The path relative to the directory; one elsewhere is left as it is. */
static char *
take_path (const char *escaped, const char *directory)
{
  g_autofree char *path = g_strcompress (escaped);
  gsize length = strlen (directory);
  const char *rest = path;

  if (strncmp (path, directory, length) == 0 && path[length] == '/')
    rest = path + length + 1;
  else if (g_str_equal (path, directory))
    rest = ".";

  return g_utf8_make_valid (rest, -1);
}

static void
operation_free (gpointer data)
{
  SngCommandOperation *operation = data;

  g_free (operation->name);
  g_free (operation->path);
  g_free (operation->other);
  g_free (operation);
}

static int
compare_operations (gconstpointer a, gconstpointer b)
{
  const SngCommandOperation *x = *(const SngCommandOperation *const *) a;
  const SngCommandOperation *y = *(const SngCommandOperation *const *) b;

  return (x->number > y->number) - (x->number < y->number);
}

GPtrArray *
sng_command_list_operations (SngCommandHarness *self, const SngRun *run)
{
  g_autoptr (GPtrArray) operations = g_ptr_array_new_with_free_func (operation_free);
  g_autofree char *path = dup_file (self, run, LOG);
  g_autofree char *directory = dup_directory (self);
  g_autofree char *contents = NULL;
  g_auto (GStrv) lines = NULL;

  g_file_get_contents (path, &contents, NULL, NULL);
  lines = g_strsplit (contents != NULL ? contents : "", "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", 4);
      SngCommandOperation *operation;

      if (g_strv_length (words) < 3)
        continue;
      operation = g_new0 (SngCommandOperation, 1);
      operation->number = g_ascii_strtoull (words[0], NULL, 10);
      operation->name = g_strdup (words[1]);
      operation->path = take_path (words[2], directory);
      operation->other = words[3] != NULL ? take_path (words[3], directory) : NULL;
      g_ptr_array_add (operations, operation);
    }
  g_ptr_array_sort (operations, compare_operations);

  return g_steal_pointer (&operations);
}

/* ---- The program ---- */

typedef struct
{
  GPtrArray *operations; /* SngCommandOperation, of CONTINUOUS; NULL: it has not been yet */
  guint next;            /* of these */
  GPtrArray *results;    /* SngKillResult */
  guint n_missed;        /* kills that no run came to */
  SngReport *control;    /* CONTINUOUS beside REPEAT; NULL: there was none */
} Kills;

static gpointer
kills_new (void)
{
  Kills *self = g_new0 (Kills, 1);

  self->results = g_ptr_array_new_with_free_func (g_object_unref);

  return self;
}

static void
kills_free (gpointer data)
{
  Kills *self = data;

  g_clear_pointer (&self->operations, g_ptr_array_unref);
  g_clear_object (&self->control);
  g_ptr_array_unref (self->results);
  g_free (self);
}

static SngRun *
create_run (SngMode mode, const char *format, guint64 number)
{
  g_autofree char *name = format != NULL ? g_strdup_printf ("kills/%s-%06" G_GUINT64_FORMAT, format, number)
                                         : g_strdup (sng_mode_to_string (mode));
  SngRun *run = sng_run_new (mode, name);

  run->counts_operations = TRUE;

  return run;
}

/* What is elsewhere would last from one training to the next. */
static gboolean
check_settings (SngCommandHarness *self, GError **error)
{
  g_autofree char *directory = dup_directory (self);
  g_autofree char *checkpoints = sng_command_harness_dup_checkpoint_path (self);
  g_autofree char *real = dup_real_path (checkpoints);
  gsize length = strlen (real);

  if (self->stop_command != NULL)
    {
      g_set_error_literal (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                           "[command][settings] stop-command: where the command is killed there is none");
      return FALSE;
    }
  if (strncmp (directory, real, length) == 0 && (directory[length] == '/' || directory[length] == '\0'))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "[command][settings] kill-dir: %s is not below the checkpoint-dir %s", directory, checkpoints);

  return FALSE;
}

static gboolean
check_counted (SngCommandHarness *self, Kills *kills, GError **error)
{
  g_autofree char *directory = dup_directory (self);

  if (kills->operations->len > 0)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
      "[command][kills] the command ended well, but no file operation below %s was seen: is this where it "
      "saves? One "
      "that calls the system past the C library, such as a statically linked program, cannot be watched",
      directory);

  return FALSE;
}

/* With fewer kills than operations: the first, every so many, and the last. */
static gboolean
is_chosen (SngCommandHarness *self, Kills *kills, guint i)
{
  return i % MAX (self->kill_every, 1) == 0 || i + 1 == kills->operations->len;
}

static guint
count_chosen (SngCommandHarness *self, Kills *kills)
{
  guint n = 0;

  for (guint i = 0; i < kills->operations->len; i++)
    n += is_chosen (self, kills, i);

  return n;
}

static gboolean
begin_kills (SngCommandHarness *self, Kills *kills, const SngRun *continuous, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (SNG_HARNESS (self));

  if (!sng_command_take_results (self, continuous, error))
    return FALSE;

  kills->operations = sng_command_list_operations (self, continuous);
  if (!check_counted (self, kills, error))
    return FALSE;

  priv->work_total = self->last_step * (1 + count_chosen (self, kills));

  return TRUE;
}

/* The next kill; FALSE where there are no more. */
static gboolean
add_stop (SngCommandHarness *self, Kills *kills, GPtrArray *batch)
{
  while (kills->next < kills->operations->len && !is_chosen (self, kills, kills->next))
    kills->next++;
  if (kills->next == kills->operations->len)
    return FALSE;

  g_ptr_array_add (batch,
                   create_run (SNG_MODE_STOP, "stop",
                               ((SngCommandOperation *) kills->operations->pdata[kills->next])->number));
  ((SngRun *) batch->pdata[0])->kill_at =
      ((SngCommandOperation *) kills->operations->pdata[kills->next])->number;

  return TRUE;
}

/* What a kill has left is of use only where something is wrong with it. */
static gboolean
remove_kept (SngCommandHarness *self, const SngRun *run, GError **error)
{
  g_autofree char *kept = dup_file (self, run, "checkpoints");

  return sng_state_io_remove (sng_storage_get_posix (), kept, error);
}

static gboolean
finish_kill (SngCommandHarness *self, Kills *kills, GPtrArray *done, GError **error)
{
  const SngRun *continuous = done->pdata[0];
  const SngRun *stop = done->pdata[done->len - 2];
  SngRun *resume = done->pdata[done->len - 1];
  g_autoptr (SngKillResult) result = NULL;

  if (!sng_command_take_results (self, resume, error))
    return FALSE;

  result = sng_command_judge_kill (self, continuous, stop, resume, kills->operations, kills->next++, error);
  if (result == NULL)
    return FALSE;

  if (sng_kill_result_get_verdict (result) == SNG_VERDICT_PASS && !remove_kept (self, resume, error))
    return FALSE;
  g_ptr_array_add (kills->results, g_steal_pointer (&result));

  return TRUE;
}

/* A training that makes other operations each time may end before it comes to this one. */
static gboolean
skip_kill (SngCommandHarness *self, Kills *kills, const SngRun *stop, GError **error)
{
  kills->next++;
  kills->n_missed++;

  return sng_command_take_results (self, stop, error) && remove_kept (self, stop, error);
}

static gboolean
has_silent (Kills *kills)
{
  for (guint i = 0; i < kills->results->len; i++)
    if (sng_kill_result_get_outcome (kills->results->pdata[i]) == SNG_KILL_OUTCOME_SILENT_DIVERGENCE)
      return TRUE;

  return FALSE;
}

/* Once all of them are done: does it differ without a kill as well? */
static gboolean
add_repeat (SngCommandHarness *self, Kills *kills, GPtrArray *done, GPtrArray *batch, GError **error)
{
  SngRun *last = done->pdata[done->len - 1];

  if (last->mode == SNG_MODE_REPEAT)
    {
      if (!sng_command_take_results (self, last, error))
        return FALSE;
      kills->control = sng_command_judge_repeat (self, done->pdata[0], last, error);
      return kills->control != NULL;
    }

  if (has_silent (kills) || sng_harness_get_private (SNG_HARNESS (self))->repeat)
    g_ptr_array_add (batch, create_run (SNG_MODE_REPEAT, NULL, 0));

  return TRUE;
}

static gboolean
next (SngHarness *harness, GPtrArray *done, GPtrArray *batch, gpointer data, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  Kills *kills = data;
  SngRun *last = done->len > 0 ? done->pdata[done->len - 1] : NULL;

  if (last == NULL)
    {
      g_ptr_array_add (batch, create_run (SNG_MODE_CONTINUOUS, NULL, 0));
      return check_settings (self, error);
    }

  if (last->mode == SNG_MODE_CONTINUOUS && !begin_kills (self, kills, last, error))
    return FALSE;

  if (last->mode == SNG_MODE_STOP && last->is_interrupted)
    {
      SngRun *resume = create_run (SNG_MODE_RESUME, "resume", last->kill_at);

      resume->may_fail = TRUE;
      g_ptr_array_add (batch, resume);
      return TRUE;
    }
  if (last->mode == SNG_MODE_STOP && !skip_kill (self, kills, last, error))
    return FALSE;
  if (last->mode == SNG_MODE_RESUME && !finish_kill (self, kills, done, error))
    return FALSE;

  return add_stop (self, kills, batch) || add_repeat (self, kills, done, batch, error);
}

static void
add_notes (SngCommandHarness *self, Kills *kills, SngReport *report)
{
  guint n = count_chosen (self, kills);
  g_autofree char *chosen =
      n < kills->operations->len
          ? g_strdup_printf ("%u of %u file operations were killed before: one in %u, and the last one", n,
                             kills->operations->len, self->kill_every)
          : NULL;
  g_autofree char *missed =
      kills->n_missed > 0
          ? g_strdup_printf ("%u of %u kills did not come about: the command made fewer file operations than "
                             "CONTINUOUS, which made %u",
                             kills->n_missed, n, kills->operations->len)
          : NULL;

  if (chosen != NULL)
    sng_report_add_note (report, chosen);
  if (missed != NULL)
    sng_report_add_note (report, missed);
}

static SngReport *
judge (SngHarness *harness, GPtrArray *done, gpointer data, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  Kills *kills = data;
  g_autoptr (SngReport) report = kills->control != NULL ? g_object_ref (kills->control) : sng_report_new ();

  for (guint i = 0; i < kills->results->len; i++)
    sng_report_add_kill (report, kills->results->pdata[i]);
  add_notes (self, kills, report);

  return g_steal_pointer (&report);
}

static guint64
count_steps (SngHarness *harness, gpointer data)
{
  return (guint64) sng_harness_get_private (harness)->num_steps * 2;
}

const SngProgram sng_command_kills = { next,      judge,     count_steps, "a kill before each file operation",
                                       kills_new, kills_free };

/**
 * sng_command_harness_run_kills:
 * @self: a harness
 * @cancellable: (nullable): ends the runs
 * @error: return location for a #GError
 *
 * Checks whether the training survives a kill in the midst of a save.
 *
 * The command runs once as CONTINUOUS, and every operation of it that changes files below
 * [property@Sng.CommandHarness:kill-dir] is counted: opening for writing, writing, syncing, renaming, linking, truncating and removing. Then,
 * for each of these, or for one in [property@Sng.CommandHarness:kill-every] of them, it runs as STOP and is killed right before that operation, all of
 * its processes with it, and is resumed. The report has a [class@Sng.KillResult] for each: it says whether the training went on to
 * the same result, whether work was lost by that, and names the operation and its files.
 *
 * What is compared is what the training records, and the files of [property@Sng.CommandHarness:compare]. Where a resumed training differs,
 * CONTINUOUS is run once more, to tell a training that is not deterministic from a resume that is wrong.
 *
 * The operations are seen by a library that is preloaded (`LD_PRELOAD`): calls of the C library in programs that are linked dynamically. What
 * a program writes to a file that it has mapped is not seen, nor system calls that it makes by itself.
 *
 * Otherwise this is like [method@Sng.Harness.run_stop_and_go].
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_command_harness_run_kills (SngCommandHarness *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (SNG_IS_COMMAND_HARNESS (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return sng_program_run (&sng_command_kills, SNG_HARNESS (self), NULL, NULL, cancellable, error);
}

/**
 * sng_command_harness_run_kills_async:
 * @self: a harness
 * @cancellable: (nullable): ends the runs
 * @callback: (scope async) (closure user_data): called when the report is there
 * @user_data: data for @callback
 *
 * Starts what [method@Sng.CommandHarness.run_kills] does.
 *
 * Since: 1.0
 */
void
sng_command_harness_run_kills_async (SngCommandHarness *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_return_if_fail (SNG_IS_COMMAND_HARNESS (self));

  sng_program_start (&sng_command_kills, SNG_HARNESS (self), NULL, NULL, sng_command_harness_run_kills_async,
                     cancellable, callback, user_data);
}

/**
 * sng_command_harness_run_kills_finish:
 * @self: a harness
 * @result: what the callback was given
 * @error: return location for a #GError
 *
 * Ends what [method@Sng.CommandHarness.run_kills_async] started.
 *
 * Returns: (transfer full): the report
 *
 * Since: 1.0
 */
SngReport *
sng_command_harness_run_kills_finish (SngCommandHarness *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, sng_command_harness_run_kills_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
