/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A recorder that is told by its environment what it has to do: the protocol between a check and the command that it checks. */

#include "record/sng-recorder-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>

#include "record/sng-environment-private.h"
#include "record/sng-run-store-private.h"
#include "sng-enum-types.h"
#include "sng-error.h"
#include "sng-signal-name-private.h"
#include "sng-version.h"

/* Where launchers say which process of a training this is: Open MPI, MPICH and PMIx, torchrun and its kin, Slurm. */
static const char *const rank_variables[] = { "OMPI_COMM_WORLD_RANK", "PMI_RANK", "RANK", "SLURM_PROCID" };

static gboolean
fail (const char *variable, const char *value, const char *wanted, GError **error)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[record][environment] %s is \"%s\": %s",
               variable, value != NULL ? value : "", wanted);

  return FALSE;
}

static gboolean
read_rank (SngRecorder *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (rank_variables); i++)
    {
      const char *text = g_getenv (rank_variables[i]);
      guint64 rank;

      if (text == NULL)
        continue;

      if (!g_ascii_string_to_unsigned (text, 10, 0, 99999, &rank, NULL))
        return fail (rank_variables[i], text, "the rank of a process is a number from 0 to 99999", error);

      self->rank = (guint) rank;
      return TRUE;
    }

  return TRUE;
}

static gboolean
read_mode (SngRecorder *self, GError **error)
{
  const char *text = g_getenv ("SNG_MODE");

  for (SngMode mode = SNG_MODE_STOP; mode <= SNG_MODE_CONTINUOUS; mode++)
    {
      if (g_strcmp0 (text, sng_mode_to_string (mode)) == 0)
        {
          self->mode = mode;
          return TRUE;
        }
    }

  return fail ("SNG_MODE", text, "it must be stop, resume or continuous", error);
}

/* KIND or, of a preemption, KIND=SIGNAL, as a stop plan writes it. */
static gboolean
read_kind (SngRecorder *self, const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);

  if (g_str_equal (text, "raise"))
    self->stop_signal = 0;
  else if (g_str_equal (text, "kill"))
    self->stop_signal = SIGKILL;
  else if (g_str_equal (text, "preempt"))
    self->stop_signal = SIGTERM;
  else if (parts[0] == NULL || !g_str_equal (parts[0], "preempt") || parts[1] == NULL
           || !sng_signal_from_name (parts[1], &self->stop_signal))
    return fail ("SNG_STOP_KIND", text, "it must be raise, kill, preempt or preempt=SIGNAL", error);

  self->stop_kind = g_strdup (text);

  return TRUE;
}

static gboolean
read_stop (SngRecorder *self, GError **error)
{
  const char *at = g_getenv ("SNG_STOP_AT");
  const char *kind = g_getenv ("SNG_STOP_KIND");

  if (at == NULL || *at == '\0')
    return TRUE;

  if (!g_ascii_string_to_unsigned (at, 10, 1, G_MAXINT64, &self->stop_at, NULL))
    return fail ("SNG_STOP_AT", at, "it must be the number of a step, from 1", error);

  return read_kind (self, kind != NULL ? kind : "raise", error);
}

static void
read_captures (SngRecorder *self)
{
  const char *text = g_getenv ("SNG_CAPTURE");
  g_auto (GStrv) metrics = g_strsplit (text != NULL ? text : "", ",", 0);

  for (guint i = 0; metrics[i] != NULL; i++)
    {
      if (g_str_equal (metrics[i], "*"))
        self->captures_all = TRUE;
      else if (*metrics[i] != '\0')
        sng_recorder_set_capture (self, metrics[i], TRUE);
    }
}

/* STEP:METRIC/PATH, whatever the path is made of. */
static gboolean
read_place (SngRecorder *self, GError **error)
{
  const char *text = g_getenv ("SNG_CAPTURE_AT");
  const char *colon = text != NULL ? strchr (text, ':') : NULL;
  const char *slash = colon != NULL ? strchr (colon, '/') : NULL;
  g_autofree char *metric = slash != NULL ? g_strndup (colon + 1, (gsize) (slash - colon - 1)) : NULL;

  if (text == NULL)
    return TRUE;
  if (slash == NULL)
    return fail ("SNG_CAPTURE_AT", text, "it must be STEP:METRIC/PATH", error);

  sng_recorder_capture_place (self, metric, slash + 1, g_ascii_strtoull (text, NULL, 10));

  return TRUE;
}

static GVariant *
describe_environment (void)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  g_variant_builder_add (&builder, "{ss}", "libsng", SNG_VERSION_S);

  return sng_environment_merge (g_variant_builder_end (&builder), sng_environment_read_variables ());
}

static gboolean
describe_run (SngRecorder *self, const char *directory, GError **error)
{
  g_autofree char *basename = g_path_get_basename (directory);
  g_autofree char *name = g_utf8_make_valid (basename, -1);
  g_autofree char *interrupt =
      self->stop_kind == NULL  ? NULL
      : self->stop_signal == 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, self->stop_at)
                               : g_strdup_printf ("%" G_GUINT64_FORMAT ":%s", self->stop_at, self->stop_kind);

  return sng_run_store_set_info (self->store, "mode", g_variant_new_string (sng_mode_to_string (self->mode)),
                                 error)
         && sng_run_store_set_info (self->store, "name", g_variant_new_string (name), error)
         && sng_run_store_set_info (self->store, SNG_ENVIRONMENT_INFO, describe_environment (), error)
         && (interrupt == NULL
             || sng_run_store_set_info (self->store, "interrupt", g_variant_new_string (interrupt), error))
         && sng_run_store_flush (self->store, error);
}

/* Only of one rank: a bar shows one training. */
static gboolean
open_progress (SngRecorder *self, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, SNG_PROGRESS_FILE, NULL);

  if (self->rank != 0)
    return TRUE;

  self->progress_fd = g_open (path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
  if (self->progress_fd < 0)
    g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[record][environment] %s: %s", path, g_strerror (errno));

  return self->progress_fd >= 0;
}

static gboolean
open_store (SngRecorder *self, const char *directory, GError **error)
{
  g_autofree char *name = g_strdup_printf ("rank-%05u.db", self->rank);
  g_autofree char *path = g_build_filename (directory, name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[record][environment] %s exists already: rank %u of a run has one recorder. Make it once, in "
          "one process; several processes need ranks of their own (the variable RANK)",
          path, self->rank);
      return FALSE;
    }

  self->store = sng_run_store_create (path, error);

  return self->store != NULL && describe_run (self, directory, error)
         && open_progress (self, directory, error);
}

/**
 * sng_recorder_new_from_environment: (constructor)
 * @error: return location for a #GError
 *
 * Makes the recorder of a training that `sng check` or an [class@Sng.CommandHarness] runs.
 *
 * It is told by the environment what to do:
 *
 * | variable | holds |
 * |---|---|
 * | `SNG_MODE` | `continuous`, `stop` or `resume` |
 * | `SNG_RUN_DIR` | the directory of the run, in which it makes `rank-00000.db` |
 * | `SNG_CHECKPOINT_DIR` | a directory that lasts from STOP to RESUME; empty when a training starts |
 * | `SNG_STOP_AT` | the step after which [method@Sng.Recorder.step] ends the training; it may be unset |
 * | `SNG_STOP_KIND` | how: `raise`, `kill`, `preempt` (by SIGTERM) or `preempt=SIGNAL` |
 * | `SNG_CAPTURE` | metrics whose tensors are kept whole, with commas in between; `*` for all |
 * | `SNG_CAPTURE_AT` | one tensor that is, as `STEP:METRIC/PATH` |
 *
 * The rank is that of `OMPI_COMM_WORLD_RANK`, `PMI_RANK`, `RANK` or `SLURM_PROCID`, else 0.
 *
 * Without `SNG_RUN_DIR` it is a recorder that does nothing, at no cost, so the calls can stay in the training for good.
 *
 * Returns: (transfer full): a new recorder; %NULL with @error set where a variable makes no sense or the store cannot be made
 *
 * Since: 1.0
 */
SngRecorder *
sng_recorder_new_from_environment (GError **error)
{
  g_autoptr (SngRecorder) self = g_object_new (SNG_TYPE_RECORDER, NULL);
  const char *directory = g_getenv ("SNG_RUN_DIR");

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (directory == NULL || *directory == '\0')
    return g_steal_pointer (&self);

  self->checkpoint_dir = g_strdup (g_getenv ("SNG_CHECKPOINT_DIR"));
  read_captures (self);

  if (!read_mode (self, error) || !read_rank (self, error) || !read_stop (self, error)
      || !read_place (self, error) || !open_store (self, directory, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * sng_recorder_is_active:
 * @self: a recorder
 *
 * Whether anything is recorded. Work that is done for the recorder alone can be left out where not.
 *
 * Returns: whether it has a store
 *
 * Since: 1.0
 */
gboolean
sng_recorder_is_active (SngRecorder *self)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);

  return self->store != NULL;
}

/**
 * sng_recorder_get_mode:
 * @self: a recorder
 *
 * Gets the mode that the training runs in, as the environment has it.
 *
 * Returns: the mode; %SNG_MODE_CONTINUOUS where the environment says nothing
 *
 * Since: 1.0
 */
SngMode
sng_recorder_get_mode (SngRecorder *self)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), SNG_MODE_CONTINUOUS);

  return self->mode;
}

/**
 * sng_recorder_get_checkpoint_dir:
 * @self: a recorder
 *
 * Gets the directory that lasts from STOP to RESUME, as the environment has it. It is empty when a training
 * starts, and has the same path in every mode.
 *
 * Returns: (nullable) (transfer none) (type filename): an absolute path; %NULL where the environment says nothing
 *
 * Since: 1.0
 */
const char *
sng_recorder_get_checkpoint_dir (SngRecorder *self)
{
  g_return_val_if_fail (SNG_IS_RECORDER (self), NULL);

  return self->checkpoint_dir;
}

/**
 * sng_recorder_set_environment:
 * @self: a recorder
 * @key: what it is, such as `driver`
 * @value: its value, such as `570.86.15`
 * @error: return location for a #GError
 *
 * Notes something that the numbers of the run may depend on beside its program: hardware, a driver, the version of a library, a
 * setting that chooses another algorithm. A second value for a key replaces the first.
 *
 * Runs whose environments differ are flagged before their numbers are compared ([method@Sng.Report.list_warnings]). So nothing
 * belongs here that is another one each time: no time, no process, no path, no address.
 *
 * The recorder has put the version of libsng there, and the variables that libraries take such settings from, like
 * `CUBLAS_WORKSPACE_CONFIG`. What is noted is committed with the next step. Without a store nothing is.
 *
 * Returns: %TRUE, or %FALSE with @error set when the store cannot be written
 *
 * Since: 1.0
 */
gboolean
sng_recorder_set_environment (SngRecorder *self, const char *key, const char *value, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  g_autoptr (GVariant) known = NULL;

  g_return_val_if_fail (SNG_IS_RECORDER (self), FALSE);
  g_return_val_if_fail (key != NULL && *key != '\0' && g_utf8_validate (key, -1, NULL), FALSE);
  g_return_val_if_fail (value != NULL && g_utf8_validate (value, -1, NULL), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (self->store == NULL)
    return TRUE;

  g_variant_builder_add (&builder, "{ss}", key, value);
  known = sng_run_store_get_typed_info (self->store, SNG_ENVIRONMENT_INFO, G_VARIANT_TYPE ("a{ss}"));

  return sng_run_store_set_info (self->store, SNG_ENVIRONMENT_INFO,
                                 sng_environment_merge (known, g_variant_builder_end (&builder)), error);
}
