/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-child-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/sng-interrupt-private.h"
#include "sng-error.h"

/* The number that the child finds its end of the pipe under; the first one that nobody has a meaning for. */
#define PROGRESS_FD 3

/* How often a child that has died is asked for while whoever traced it holds it. */
#define REAP_INTERVAL_MS 10

/* ---- In the child ---- */

const SngChildRequest *
sng_child_get_request (void)
{
  static gsize initialized = 0;
  static SngChildRequest request;
  static gboolean is_child = FALSE;

  if (g_once_init_enter (&initialized))
    {
      const char *run = g_getenv ("SNG_CHILD_RUN");
      const char *progress_fd = g_getenv ("SNG_CHILD_PROGRESS_FD");

      request.run = run != NULL ? sng_run_from_text (run, NULL) : NULL;
      request.exp_name = g_strdup (g_getenv ("SNG_CHILD_HARNESS"));
      request.run_directory = g_strdup (g_getenv ("SNG_CHILD_RUN_DIR"));
      request.progress_fd = progress_fd != NULL ? atoi (progress_fd) : -1;
      is_child = request.run != NULL && request.exp_name != NULL && request.run_directory != NULL;
      g_once_init_leave (&initialized, 1);
    }

  return is_child ? &request : NULL;
}

/**
 * sng_harness_is_child:
 *
 * Whether this process was started by a harness to run one mode.
 *
 * A program that does something before it reaches its harness, and only once, such as asking
 * whether a directory is empty, leaves it out in such a process.
 *
 * Returns: whether it is one
 *
 * Since: 1.0
 */
gboolean
sng_harness_is_child (void)
{
  return sng_child_get_request () != NULL;
}

/* Whether whoever started this process still listens. */
static gboolean
has_parent (int fd)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

  return fd < 0 || poll (&pollfd, 1, 0) < 0 || (pollfd.revents & (POLLERR | POLLNVAL)) == 0;
}

static void
write_line (const SngChildRequest *request, const char *line, int length)
{
  gssize written;

  if (request->progress_fd < 0)
    return;

  /* A line is shorter than PIPE_BUF: it is written whole or not at all. */
  do
    written = write (request->progress_fd, line, (gsize) length);
  while (written < 0 && errno == EINTR);

  if (written < 0 && errno == EPIPE)
    _exit (1);
}

/* The run that this process was started for. */
typedef struct
{
  SngHarness *harness;
  const SngChildRequest *request;
} Service;

/* FALSE, with the reason printed, where it cannot be saved. */
static gboolean
save_outcome (const Service *service, const GError *outcome)
{
  SngHarnessPrivate *priv = sng_harness_get_private (service->harness);
  g_autofree char *directory = sng_harness_dup_run_path (service->harness, service->request->run->name);
  g_autofree char *path = g_build_filename (directory, "outcome.json", NULL);
  g_autoptr (GError) error = NULL;

  if (sng_outcome_save (path, priv->warnings, service->request->run, outcome, &error))
    return TRUE;

  g_printerr ("%s\n", error->message);

  return FALSE;
}

/* Whether the interrupt of the run ends the process. */
static gboolean
is_to_be_killed (const SngRun *run)
{
  g_autoptr (SngInterrupt) interrupt =
      run->interrupt != NULL ? sng_interrupt_from_string (run->interrupt, NULL) : NULL;

  return interrupt != NULL && sng_interrupt_kills (interrupt);
}

static void
report_progress_cb (guint64 step, guint64 n_steps, gpointer user_data)
{
  const Service *service = user_data;
  char line[48];
  int length = g_snprintf (line, sizeof line, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", step, n_steps);

  write_line (service->request, line, length);
}

/* Whoever is killed says before what there is to say. */
static void
report_interrupt_cb (gpointer user_data)
{
  const Service *service = user_data;

  if (is_to_be_killed (service->request->run))
    save_outcome (service, NULL);
  write_line (service->request, "!\n", 2);
}

/* A child must not outlive its parent, and what it starts itself is no child of the harness. */
static void
begin_service (Service *service)
{
  const SngChildRequest *request = service->request;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (request->progress_fd >= 0)
    fcntl (request->progress_fd, F_SETFD, FD_CLOEXEC);
  if (!has_parent (request->progress_fd))
    _exit (1);

  /* Ctrl-C reaches every process of a terminal. What it means, the parent decides. */
  signal (SIGINT, SIG_IGN);

  report_progress_cb (0, 0, service);

  unsetenv ("SNG_CHILD_RUN");
  unsetenv ("SNG_CHILD_HARNESS");
  unsetenv ("SNG_CHILD_RUN_DIR");
  unsetenv ("SNG_CHILD_PROGRESS_FD");
}

static gboolean
make_requested_run (Service *service, GError **error)
{
  SngHarness *self = service->harness;
  gboolean succeeded;

  if (!sng_harness_make_run_directory (self, error) || !sng_harness_read_plan (self, error)
      || !sng_harness_setup (self, error))
    return FALSE;

  succeeded = sng_harness_run_mode (self, service->request->run, report_progress_cb, report_interrupt_cb,
                                    service, NULL, error);

  return sng_harness_teardown (self, succeeded ? error : NULL) && succeeded;
}

void
sng_child_serve (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  const SngChildRequest *request = sng_child_get_request ();
  Service service = { self, request };
  g_autoptr (GError) outcome = NULL;
  gboolean succeeded;

  if (!g_str_equal (request->exp_name, priv->exp_name))
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
          "[harness][child] this process was started to make the run %s of the harness %s, not of %s",
          request->run->name, request->exp_name, priv->exp_name);
      return;
    }

  begin_service (&service);
  succeeded = make_requested_run (&service, &outcome);
  succeeded = save_outcome (&service, outcome) && succeeded;

  fflush (NULL);
  exit (succeeded ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- In the parent ---- */

/* The name that the program was started under, where that still leads to it: an interpreter finds its modules by it. */
static char *
find_program (const char *name, const char *executable)
{
  g_autofree char *found = g_find_program_in_path (name);
  g_autofree char *resolved = found != NULL ? realpath (found, NULL) : NULL;

  return g_strdup (g_strcmp0 (resolved, executable) == 0 ? found : executable);
}

char **
sng_child_dup_command (GError **error)
{
  g_autoptr (GPtrArray) command = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local_error = NULL;
  g_autofree char *executable = g_file_read_link ("/proc/self/exe", &local_error);
  g_autofree char *arguments = NULL;
  gsize length = 0;

  if (executable == NULL || !g_file_get_contents ("/proc/self/cmdline", &arguments, &length, &local_error))
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
          "[harness][child] the command of this process cannot be read (%s): set the property command",
          local_error->message);
      return NULL;
    }

  for (gsize i = 0; i < length; i += strlen (arguments + i) + 1)
    g_ptr_array_add (command, i == 0 ? find_program (arguments, executable) : g_strdup (arguments + i));

  if (command->len == 0)
    g_ptr_array_add (command, g_strdup (executable));
  g_ptr_array_add (command, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&command), FALSE);
}

typedef struct
{
  SngRun *run;
  char *directory;
  gint64 start;
  gint64 reached;
  SngProgressFunc progress;
  gpointer progress_data;

  GSubprocess *process;
  int pidfd;  /* -1 where there is none */
  int status; /* as waitpid() tells it */
  int progress_fd;
  GString *line;
  GSource *progress_source;
  GSource *cancel_source;
  gboolean cancelled;
} Child;

static void
child_free (gpointer data)
{
  Child *child = data;

  sng_child_destroy_source (&child->progress_source);
  sng_child_destroy_source (&child->cancel_source);
  if (child->progress_fd >= 0)
    close (child->progress_fd);
  if (child->pidfd >= 0)
    close (child->pidfd);
  g_clear_object (&child->process);
  g_string_free (child->line, TRUE);
  g_free (child->directory);
  g_free (child);
}

/* The first line comes from the start of the service, with step 0. */
static void
take_line (Child *child)
{
  char *end;
  guint64 step = g_ascii_strtoull (child->line->str, &end, 10);
  guint64 n_steps = g_ascii_strtoull (end, NULL, 10);

  if (child->reached == 0)
    child->reached = g_get_monotonic_time ();

  if (child->line->str[0] == '!')
    child->run->is_interrupted = TRUE;
  else if (step > 0)
    child->progress (step, n_steps, child->progress_data);
  g_string_truncate (child->line, 0);
}

/* FALSE at the end of the pipe. */
static gboolean
read_progress (Child *child)
{
  char buffer[512];
  gssize n;

  while ((n = read (child->progress_fd, buffer, sizeof buffer)) > 0)
    {
      for (gssize i = 0; i < n; i++)
        {
          if (buffer[i] == '\n')
            take_line (child);
          else if (child->line->len < sizeof buffer)
            g_string_append_c (child->line, buffer[i]);
        }
    }

  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static gboolean
progress_cb (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);

  return read_progress (g_task_get_task_data (task)) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Child *child = g_task_get_task_data (user_data);

  child->cancelled = TRUE;
  g_subprocess_force_exit (child->process);

  return G_SOURCE_REMOVE;
}

/* What an end without an outcome means. */
static void
set_end_error (Child *child, gboolean has_outcome, GError **error)
{
  g_autofree char *tail = sng_child_dup_output_tail (child->directory);

  if (WIFSIGNALED (child->status))
    g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED, "the child was ended by signal %d (%s)%s",
                 WTERMSIG (child->status), g_strsignal (WTERMSIG (child->status)), tail);
  else if (child->reached != 0)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED,
                 "the child exited with status %d %s it had finished%s", WEXITSTATUS (child->status),
                 has_outcome ? "after" : "before", tail);
  else
    g_set_error (
        error, SNG_ERROR, SNG_ERROR_CHILD_FAILED,
        "the child never reached the harness: it was started with the command of this process (see the "
        "property command) and exited with status %d%s",
        WEXITSTATUS (child->status), tail);
}

/* By its own interrupt: that is one that kills, has said so, and the signal was the one that nothing can catch. */
static gboolean
was_killed_on_purpose (Child *child)
{
  return child->run->is_interrupted && is_to_be_killed (child->run) && WIFSIGNALED (child->status)
         && WTERMSIG (child->status) == SIGKILL;
}

static void
note_times (Child *child)
{
  gint64 now = g_get_monotonic_time ();
  gint64 reached = child->reached != 0 ? child->reached : now;

  child->run->start_seconds = (double) (reached - child->start) / G_USEC_PER_SEC;
  child->run->seconds = (double) (now - reached) / G_USEC_PER_SEC;
}

static void
finish_child (GTask *task)
{
  Child *child = g_task_get_task_data (task);
  g_autofree char *path = g_build_filename (child->directory, "outcome.json", NULL);
  g_autoptr (GError) error = NULL;
  gboolean found = FALSE;
  gboolean ended_well;

  sng_child_destroy_source (&child->cancel_source);
  sng_child_destroy_source (&child->progress_source);
  read_progress (child);

  ended_well =
      was_killed_on_purpose (child) || (WIFEXITED (child->status) && WEXITSTATUS (child->status) == 0);
  note_times (child);

  if (child->cancelled)
    g_set_error_literal (&error, SNG_ERROR, SNG_ERROR_CANCELLED, "cancelled");
  else if (!sng_outcome_load (path, g_task_get_source_object (task), child->run, &found, &error))
    sng_child_add_output_tail (child->directory, error);
  else if (!ended_well || (!found && !was_killed_on_purpose (child)))
    set_end_error (child, found, &error);

  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_boolean (task, TRUE);
}

/* Where GLib could not wait for the child, which it knows nothing of, this does. FALSE while that cannot be. */
static gboolean
reap (Child *child)
{
  siginfo_t info = { 0 };

  if (child->pidfd < 0 || waitid (P_PIDFD, (id_t) child->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
    return TRUE;

  return info.si_pid != 0 && waitpid (info.si_pid, &child->status, 0) == info.si_pid;
}

static gboolean
reap_cb (gpointer user_data)
{
  g_autoptr (GTask) task = g_object_ref (user_data);

  if (!reap (g_task_get_task_data (task)))
    return G_SOURCE_CONTINUE;

  finish_child (task);

  return G_SOURCE_REMOVE;
}

/*
 * A child that dies while another process traces it, be it a debugger or, at its exit, the leak checker of a sanitizer, can
 * be waited for only when that one has let go of it. GLib, which hears of the death at once, takes it for waited for
 * and for an exit with status 0.
 */
static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GSource) reap_source = NULL;
  Child *child = g_task_get_task_data (task);

  g_subprocess_wait_finish (child->process, result, NULL);
  child->status = g_subprocess_get_status (child->process);

  if (reap (child))
    {
      finish_child (task);
      return;
    }

  reap_source = g_timeout_source_new (REAP_INTERVAL_MS);
  g_task_attach_source (task, reap_source, reap_cb);
}

/* A name of the process that no later one takes. GLib does without where the kernel has none, and waits well. */
static int
open_process (GSubprocess *process)
{
  const char *pid = g_subprocess_get_identifier (process);

  return pid != NULL ? (int) syscall (SYS_pidfd_open, atoi (pid), 0) : -1;
}

/* The child's standard input is empty: two readers of one input would each see a part of it. */
static GSubprocess *
spawn (SngHarness *self, Child *child, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autofree char *output = sng_child_dup_output_path (child->directory);
  g_auto (GStrv) command = priv->command != NULL ? g_strdupv (priv->command) : sng_child_dup_command (error);
  g_autofree char *text = sng_run_to_text (child->run);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) local_error = NULL;
  int fds[2];

  if (command == NULL)
    return NULL;

  if (!g_unix_open_pipe (fds, FD_CLOEXEC, &local_error))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "%s", local_error->message);
      return NULL;
    }

  child->progress_fd = fds[0];
  g_unix_set_fd_nonblocking (fds[0], TRUE, NULL);
  g_subprocess_launcher_take_fd (launcher, fds[1], PROGRESS_FD);
  g_subprocess_launcher_set_stdout_file_path (launcher, output);
  g_subprocess_launcher_setenv (launcher, "SNG_CHILD_RUN", text, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_CHILD_HARNESS", priv->exp_name, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_CHILD_RUN_DIR", priv->run_directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "SNG_CHILD_PROGRESS_FD", G_STRINGIFY (PROGRESS_FD), TRUE);
  /* The child ends within the harness: nobody would write what Python still holds back. */
  g_subprocess_launcher_setenv (launcher, "PYTHONUNBUFFERED", "1", FALSE);

  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) command, &local_error);
  if (process == NULL)
    g_set_error (error, SNG_ERROR, SNG_ERROR_CHILD_FAILED, "%s could not be started: %s", command[0],
                 local_error->message);

  return g_steal_pointer (&process);
}

void
sng_child_run_async (SngHarness *self,
                     SngRun *run,
                     SngProgressFunc progress,
                     gpointer progress_data,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Child *child = g_new0 (Child, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, sng_child_run_async);
  g_task_set_task_data (task, child, child_free);
  child->run = run;
  child->directory = sng_harness_dup_run_path (self, run->name);
  child->start = g_get_monotonic_time ();
  child->progress = progress;
  child->progress_data = progress_data;
  child->progress_fd = -1;
  child->pidfd = -1;
  child->line = g_string_new (NULL);
  child->process = spawn (self, child, &error);

  if (child->process == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  child->pidfd = open_process (child->process);
  child->progress_source = g_unix_fd_source_new (child->progress_fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_task_attach_source (task, child->progress_source, G_SOURCE_FUNC (progress_cb));

  if (cancellable != NULL)
    {
      child->cancel_source = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, child->cancel_source, G_SOURCE_FUNC (cancelled_cb));
    }

  /* Also after a cancellation: the child has ended only when it was waited for. */
  g_subprocess_wait_async (child->process, NULL, waited_cb, g_object_ref (task));
}
