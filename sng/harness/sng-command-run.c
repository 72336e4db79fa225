/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One run of a command: how it is started, waited for, and what its end means. */

#include "harness/sng-command-harness-private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/sng-child-private.h"
#include "harness/sng-command-kills-private.h"
#include "harness/sng-interrupt-private.h"
#include "harness/sng-read-watch-private.h"
#include "record/sng-recorder-private.h"
#include "sng-error.h"
#include "state/sng-state-io-private.h"

/* How often the step is looked up that the command is at. */
#define PROGRESS_INTERVAL_MS 100

typedef struct
{
  SngRun *run;
  char *directory;
  char *records; /* the same, unless the metadata have a directory of their own */
  char *checkpoints;
  gint64 start;
  SngProgressFunc progress;
  gpointer progress_data;
  guint64 n_steps;     /* 0: not known */
  SngReadWatch *reads; /* of a RESUME that records nothing; NULL: nobody looks */

  GSubprocess *process;
  pid_t group;
  GSource *progress_source;
  GSource *timeout_source;
  GSource *cancel_source;
  gboolean cancelled;
  gboolean timed_out;
} Command;

/* What the first rank has recorded. A step is one that was finished; what is recorded beside it may be the state right after a
 * restore. */
typedef struct
{
  gboolean has_store;
  gboolean is_stopped;
  guint64 first_step; /* 0: no step was finished */
  guint64 last_step;
} Recorded;

static void
command_free (gpointer data)
{
  Command *command = data;

  sng_child_destroy_source (&command->progress_source);
  sng_child_destroy_source (&command->timeout_source);
  sng_child_destroy_source (&command->cancel_source);
  g_clear_object (&command->process);
  g_clear_pointer (&command->reads, sng_read_watch_free);
  g_free (command->directory);
  g_free (command->records);
  g_free (command->checkpoints);
  g_free (command);
}

/* ---- Starting it ---- */

/* In the child, before the command: launchers start processes of their own, and all of them are to end with this one, and none
 * is to outlive its parent. Ctrl-C reaches the parent only, which decides about it. */
static void
set_up_child (gpointer data)
{
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
set_stop (GSubprocessLauncher *launcher, const SngRun *run)
{
  g_autoptr (SngInterrupt) interrupt = NULL;
  g_autofree char *at = NULL;
  const char *kind;

  if (run->interrupt == NULL)
    return;

  interrupt = sng_interrupt_from_string (run->interrupt, NULL);
  at = g_strdup_printf ("%" G_GUINT64_FORMAT, sng_interrupt_get_step (interrupt));
  kind = strchr (run->interrupt, ':');
  g_subprocess_launcher_setenv (launcher, "SNG_STOP_AT", at, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_STOP_KIND", kind != NULL ? kind + 1 : "raise", TRUE);
}

/* A metric under a tolerance is compared element by element. Which ones there are the command knows alone. */
static gboolean
needs_captures (SngHarness *harness)
{
  SngHarnessPrivate *priv = sng_harness_get_private (harness);

  return priv->noise_tolerance || priv->train_val_output_atol > 0.0 || priv->other_output_atol > 0.0;
}

static void
set_capture (GSubprocessLauncher *launcher, const SngRun *run)
{
  g_autofree char *place = NULL;

  if (run->capture == NULL)
    return;

  place = g_strdup_printf ("%" G_GUINT64_FORMAT ":%s/%s", run->capture_step, run->capture, run->capture_path);
  g_subprocess_launcher_setenv (launcher, "SNG_CAPTURE_AT", place, TRUE);
}

static GSubprocessLauncher *
create_launcher (SngHarness *harness, const Command *command)
{
  static const char *const unset[] = { "SNG_STOP_AT", "SNG_STOP_KIND", "SNG_CAPTURE", "SNG_CAPTURE_AT",
                                       NULL };
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autofree char *output = sng_child_dup_output_path (command->directory);
  SngMode mode = command->run->mode == SNG_MODE_REPEAT ? SNG_MODE_CONTINUOUS : command->run->mode;

  for (guint i = 0; unset[i] != NULL; i++)
    g_subprocess_launcher_unsetenv (launcher, unset[i]);

  g_subprocess_launcher_set_child_setup (launcher, set_up_child, NULL, NULL);
  g_subprocess_launcher_set_stdout_file_path (launcher, output);
  g_subprocess_launcher_setenv (launcher, "SNG_MODE", sng_mode_to_string (mode), TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_RUN_DIR", command->records, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_CHECKPOINT_DIR", command->checkpoints, TRUE);
  set_stop (launcher, command->run);
  set_capture (launcher, command->run);
  if (needs_captures (harness))
    g_subprocess_launcher_setenv (launcher, "SNG_CAPTURE", "*", TRUE);
  /* What is printed before a kill is to be seen. */
  g_subprocess_launcher_setenv (launcher, "PYTHONUNBUFFERED", "1", FALSE);

  return launcher;
}

static char *
replace (const char *text, const char *what, const char *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

static char **
dup_arguments (SngHarness *harness, const Command *command)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  char **arguments = sng_harness_get_private (harness)->command;
  g_autoptr (GPtrArray) replaced = g_ptr_array_new ();

  if (command->run->mode == SNG_MODE_STOP && self->stop_command != NULL)
    arguments = self->stop_command;
  if (command->run->mode == SNG_MODE_RESUME && self->resume_command != NULL)
    arguments = self->resume_command;

  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (replaced, replace (arguments[i], SNG_CHECKPOINT_DIR_PLACE, command->checkpoints));
  g_ptr_array_add (replaced, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&replaced), FALSE);
}

/* A training that starts finds nothing. */
static gboolean
prepare_checkpoints (SngCommandHarness *self, const Command *command, GError **error)
{
  if (command->run->mode == SNG_MODE_RESUME)
    return TRUE;

  return sng_command_clear_checkpoints (self, error)
         && (self->directory != NULL
             || sng_state_io_make_directory (sng_storage_get_posix (), command->checkpoints, error));
}

static gboolean
spawn (SngHarness *harness, Command *command, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = create_launcher (harness, command);
  g_auto (GStrv) arguments = dup_arguments (harness, command);
  g_autoptr (GError) local_error = NULL;
  const char *identifier;

  if (!prepare_checkpoints (SNG_COMMAND_HARNESS (harness), command, error)
      || !sng_command_count_operations (SNG_COMMAND_HARNESS (harness), command->run, launcher, error))
    return FALSE;

  /* Whether it goes on with anything shows in what it records, or else in what it reads. */
  if (command->run->mode == SNG_MODE_RESUME && SNG_COMMAND_HARNESS (harness)->first_step == 0
      && !command->run->counts_operations)
    command->reads = sng_read_watch_new (command->checkpoints);

  command->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) arguments, &local_error);
  if (command->process == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED, "%s could not be started: %s", arguments[0],
                   local_error->message);
      return FALSE;
    }

  /* NULL: it has ended already */
  identifier = g_subprocess_get_identifier (command->process);
  command->group = identifier != NULL ? (pid_t) atoi (identifier) : 0;

  return TRUE;
}

/* ---- What it has left ---- */

static gboolean
read_recorded (SngHarness *harness, const SngRun *run, Recorded *recorded, GError **error)
{
  g_autofree char *path = sng_harness_dup_run_store_path (harness, run->name);
  g_autoptr (SngRunStore) store = NULL;
  g_autoptr (GVariant) stopped = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;

  store = sng_run_store_open (path, error);
  if (store == NULL)
    return FALSE;

  stopped = sng_run_store_get_info (store, SNG_STOPPED_AT_INFO);
  recorded->has_store = TRUE;
  recorded->is_stopped = stopped != NULL;
  sng_run_store_get_step_range (store, SNG_GLOBAL_STEP_METRIC, &recorded->first_step, &recorded->last_step,
                                &local_error);

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return local_error == NULL;
}

/* An end that nobody has asked for. */
static gboolean
check_status (const Command *command, GError **error)
{
  if (g_subprocess_get_if_signaled (command->process))
    {
      int number = g_subprocess_get_term_sig (command->process);

      g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED, "the command was ended by signal %d (%s)",
                   number, g_strsignal (number));
      return FALSE;
    }

  if (g_subprocess_get_exit_status (command->process) == 0)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED, "the command exited with status %d",
               g_subprocess_get_exit_status (command->process));

  return FALSE;
}

static gboolean
check_recorded (SngCommandHarness *self, const Recorded *recorded, GError **error)
{
  if (recorded->first_step != 0 || self->compare != NULL)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_NOT_RECORDED,
      "the command ended well, but %s. Let it call sng_recorder_step () after each step (in Python: "
      "recorder = sng.Recorder (), then recorder.step (n, {\"TrainLoss\": loss})), or name its result files "
      "to be compared",
      recorded->has_store ? "finished no step" : "recorded nothing: it made no recorder");

  return FALSE;
}

/* What CONTINUOUS makes is what all others are held against. */
static gboolean
settle_continuous (SngCommandHarness *self, const Recorded *recorded, GError **error)
{
  guint num_steps = sng_harness_get_private (SNG_HARNESS (self))->num_steps;

  self->first_step = recorded->first_step;
  self->last_step = recorded->last_step;
  sng_harness_get_private (SNG_HARNESS (self))->recorded_steps = recorded->last_step;

  if (num_steps == 0 || recorded->last_step == num_steps)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_OTHER_STEPS,
               "the last step that the command recorded is %" G_GUINT64_FORMAT
               ", and the training is to have %u",
               recorded->last_step, num_steps);

  return FALSE;
}

/* REPEAT and STOP start anew, so they begin as CONTINUOUS did. */
static gboolean
check_start (SngCommandHarness *self, const Recorded *recorded, GError **error)
{
  g_autofree char *begin = NULL;

  if (recorded->first_step == self->first_step)
    return TRUE;

  begin = recorded->first_step == 0
              ? g_strdup ("the command finished no step")
              : g_strdup_printf ("the first step that the command finished is %" G_GUINT64_FORMAT,
                                 recorded->first_step);
  g_set_error (error, SNG_ERROR, SNG_ERROR_OTHER_STEPS,
               "%s, and CONTINUOUS began with step %" G_GUINT64_FORMAT
               ": it did not start anew. Let it keep its checkpoints in the directory that "
               "SNG_CHECKPOINT_DIR names, or say "
               "where it keeps them (checkpoint-dir), so that no training finds those of another",
               begin, self->first_step);

  return FALSE;
}

static gboolean
check_goes_on (SngCommandHarness *self, const Recorded *recorded, GError **error)
{
  if (recorded->first_step != 0 || self->first_step == 0)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_OTHER_STEPS,
               "the command ended well, but finished no step, as if nothing had been left to do; CONTINUOUS "
               "went on to step "
               "%" G_GUINT64_FORMAT
               ". Either the stop came after the last checkpoint of the training, or what was "
               "restored is that of a training that is over",
               self->last_step);

  return FALSE;
}

static gboolean
check_reads (const Command *command, GError **error)
{
  if (command->reads == NULL || sng_read_watch_has_read (command->reads))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_RESUMED,
               "the command read none of the files that STOP left in %s: it began anew. A command that needs "
               "an option to "
               "resume is set as resume-command",
               command->checkpoints);

  return FALSE;
}

static gboolean
check_stop (const SngRun *run, const Recorded *recorded, GError **error)
{
  if (run->interrupt == NULL || recorded->is_stopped)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_OTHER_STEPS,
               "the command was to be stopped at %s, but ended by itself after step %" G_GUINT64_FORMAT
               ": it did not make the steps that CONTINUOUS made",
               run->interrupt, recorded->last_step);

  return FALSE;
}

/* However it ends, and whatever it has left by then. One that did not come to the operation must have ended well. */
static gboolean
settle_kill (SngCommandHarness *self, const Command *command, GError **error)
{
  command->run->is_interrupted = sng_command_was_killed (self, command->run);

  return command->run->is_interrupted || check_status (command, error);
}

/* Says whether the run came to what it was meant to. */
static gboolean
settle (SngHarness *harness, Command *command, GError **error)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  SngRun *run = command->run;
  Recorded recorded = { 0 };

  if (run->kill_at > 0)
    return settle_kill (self, command, error);

  if (!read_recorded (harness, run, &recorded, error))
    return FALSE;

  /* A stop-command ends by itself. */
  run->is_interrupted = recorded.is_stopped || (run->mode == SNG_MODE_STOP && run->interrupt == NULL);
  run->first_step = recorded.first_step;

  /* However a command ends that was stopped on purpose. */
  if (!recorded.is_stopped && !check_status (command, error))
    return FALSE;

  /* Of a closer look everything is known. */
  if (run->capture != NULL)
    return TRUE;

  if (run->mode == SNG_MODE_CONTINUOUS)
    return check_recorded (self, &recorded, error) && settle_continuous (self, &recorded, error);

  /* After a kill in the last save there may be nothing left to do: the program knows. */
  if (run->mode == SNG_MODE_RESUME && run->counts_operations)
    return TRUE;

  if (run->mode == SNG_MODE_RESUME)
    return check_goes_on (self, &recorded, error) && check_reads (command, error)
           && check_stop (run, &recorded, error);

  return check_start (self, &recorded, error) && check_stop (run, &recorded, error);
}

/* ---- Waiting for it ---- */

/* Those that it has started as well. */
static void
kill_group (const Command *command)
{
  if (command->group > 0)
    kill (-command->group, SIGKILL);
}

static guint64
read_progress (const Command *command)
{
  g_autofree char *path = g_build_filename (command->records, SNG_PROGRESS_FILE, NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_ascii_strtoull (text, NULL, 10) : 0;
}

static gboolean
progress_cb (gpointer user_data)
{
  Command *command = g_task_get_task_data (user_data);
  guint64 step = read_progress (command);

  if (step > 0)
    command->progress (step, MAX (step, command->n_steps), command->progress_data);

  return G_SOURCE_CONTINUE;
}

static gboolean
timeout_cb (gpointer user_data)
{
  Command *command = g_task_get_task_data (user_data);

  command->timed_out = TRUE;
  kill_group (command);

  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Command *command = g_task_get_task_data (user_data);

  command->cancelled = TRUE;
  kill_group (command);

  return G_SOURCE_REMOVE;
}

static void
set_timeout_error (SngHarness *harness, const Command *command, GError **error)
{
  guint64 step = read_progress (command);
  g_autofree char *place =
      step > 0 ? g_strdup_printf ("step %" G_GUINT64_FORMAT " was the last one that it finished", step)
               : g_strdup ("it had finished no step");

  g_set_error (error, SNG_ERROR, SNG_ERROR_TIMED_OUT,
               "the command did not end within %u s and was killed; %s",
               SNG_COMMAND_HARNESS (harness)->timeout, place);
}

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SngHarness *harness = g_task_get_source_object (task);
  Command *command = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  g_subprocess_wait_finish (command->process, result, NULL);
  kill_group (command);
  progress_cb (task);
  sng_child_destroy_source (&command->progress_source);
  sng_child_destroy_source (&command->timeout_source);
  sng_child_destroy_source (&command->cancel_source);
  command->run->seconds = (double) (g_get_monotonic_time () - command->start) / G_USEC_PER_SEC;

  if (command->cancelled)
    g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "cancelled");
  else if (command->timed_out)
    set_timeout_error (harness, command, &error);
  else
    settle (harness, command, &error);

  if (error != NULL && !command->cancelled)
    sng_child_add_output_tail (command->directory, error);

  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
watch (GTask *task, Command *command, guint timeout, GCancellable *cancellable)
{
  command->progress_source = g_timeout_source_new (PROGRESS_INTERVAL_MS);
  g_task_attach_source (task, command->progress_source, progress_cb);

  if (timeout > 0)
    {
      command->timeout_source = g_timeout_source_new_seconds (timeout);
      g_task_attach_source (task, command->timeout_source, timeout_cb);
    }

  if (cancellable != NULL)
    {
      command->cancel_source = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, command->cancel_source, G_SOURCE_FUNC (cancelled_cb));
    }

  g_subprocess_wait_async (command->process, NULL, waited_cb, g_object_ref (task));
}

void
sng_command_run_async (SngHarness *harness,
                       SngRun *run,
                       SngProgressFunc progress,
                       gpointer progress_data,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  SngCommandHarness *self = SNG_COMMAND_HARNESS (harness);
  g_autoptr (GTask) task = g_task_new (harness, NULL, callback, user_data);
  Command *command = g_new0 (Command, 1);
  g_autofree char *store = NULL;
  GError *error = NULL;

  g_task_set_source_tag (task, sng_command_run_async);
  g_task_set_task_data (task, command, command_free);
  command->run = run;
  command->directory = sng_harness_dup_run_path (harness, run->name);
  store = sng_harness_dup_run_store_path (harness, run->name);
  command->records = g_path_get_dirname (store);
  command->checkpoints = sng_command_harness_dup_checkpoint_path (self);
  command->start = g_get_monotonic_time ();
  command->progress = progress;
  command->progress_data = progress_data;
  command->n_steps = self->last_step != 0 ? self->last_step : sng_harness_get_private (harness)->num_steps;

  if (spawn (harness, command, &error))
    watch (task, command, self->timeout, cancellable);
  else
    g_task_return_error (task, error);
}
