/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-harness-private.h"

#include <unistd.h>

#include "harness/sng-child-private.h"
#include "state/sng-state-io-private.h"
#include "sng-error.h"

/* The name of the run of a mode: the one that this process is at, else the first of the call. */
static char *
dup_mode_name (SngHarness *self, SngMode mode)
{
  const SngRun *run = sng_harness_get_private (self)->run;

  if (run != NULL && run->mode == mode)
    return g_strdup (run->name);

  if (mode == SNG_MODE_STOP || mode == SNG_MODE_RESUME)
    return sng_harness_dup_segment_name (self, mode == SNG_MODE_STOP ? 0 : 1);

  return g_strdup (sng_mode_to_string (mode));
}

char *
sng_harness_dup_run_path (SngHarness *self, const char *name)
{
  return g_build_filename (sng_harness_get_private (self)->run_directory, name, NULL);
}

/* Keeps the run directory, or takes another one where the name or the root was changed since the last run. */
static void
set_run_directory (SngHarness *self, char *directory, gboolean is_temporary)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (g_strcmp0 (priv->run_directory, directory) == 0)
    {
      g_free (directory);
      return;
    }

  sng_harness_remove_run_directory (self);
  g_free (priv->run_directory);
  priv->run_directory = directory;
  priv->run_directory_is_temporary = is_temporary;
}

static gboolean
choose_run_directory (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *current = getcwd (NULL, 0);
  g_autofree char *parent = NULL;
  g_autoptr (GError) local_error = NULL;

  if (priv->root_dir != NULL)
    {
      if (current == NULL && !g_path_is_absolute (priv->root_dir))
        {
          g_set_error (
              error, SNG_ERROR, SNG_ERROR_IO,
              "[harness][directory] root-dir is %s, but the current directory does not exist any more",
              priv->root_dir);
          return FALSE;
        }

      parent = g_canonicalize_filename (priv->root_dir, NULL);
      set_run_directory (self, g_build_filename (parent, priv->exp_name, NULL), FALSE);
      return TRUE;
    }

  if (priv->run_directory_is_temporary)
    {
      g_autofree char *name = g_path_get_basename (priv->run_directory);

      if (g_str_equal (name, priv->exp_name))
        return TRUE;
    }

  parent = g_dir_make_tmp ("sng-XXXXXX", &local_error);
  if (parent == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_IO, "[harness][directory] %s", local_error->message);
      return FALSE;
    }

  set_run_directory (self, g_build_filename (parent, priv->exp_name, NULL), TRUE);

  return TRUE;
}

static const struct
{
  const char *name;
  SngReportFormat format;
} reports[] = {
  { "report.json", SNG_REPORT_FORMAT_JSON },
  { "junit.xml", SNG_REPORT_FORMAT_JUNIT },
  { "report.html", SNG_REPORT_FORMAT_HTML },
};

gboolean
sng_harness_save_report (SngHarness *self, SngReport *report, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      g_autofree char *path = g_build_filename (priv->run_directory, reports[i].name, NULL);

      if (!sng_report_save (report, path, reports[i].format, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
remove_reports (const char *run_directory, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    {
      g_autofree char *path = g_build_filename (run_directory, reports[i].name, NULL);

      if (!sng_state_io_remove (sng_storage_get_posix (), path, error))
        return FALSE;
    }

  return TRUE;
}

/* The directories that the programs give their runs. Whatever else lies beside them is not the harness's. */
#define RUN_NAMES                                                                                            \
 "^(continuous|repeat|(stop|resume)-[0-9]{6,}(-[0-9]+)?|sweep|faults|drill|accumulation|checkpoints)$"

static gboolean
remove_runs_in (const char *directory, GError **error)
{
  g_auto (GStrv) names = NULL;

  if (!sng_state_io_exists (directory))
    return TRUE;

  names = sng_state_io_list (directory, error);
  if (names == NULL)
    return FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (directory, names[i], NULL);

      if (g_regex_match_simple (RUN_NAMES, names[i], G_REGEX_DOLLAR_ENDONLY, 0)
          && !sng_state_io_remove (sng_storage_get_posix (), path, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
sng_harness_remove_runs (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  g_autofree char *stores =
      priv->metadata_dir != NULL ? g_build_filename (priv->metadata_dir, priv->exp_name, NULL) : NULL;

  return remove_runs_in (priv->run_directory, error) && (stores == NULL || remove_runs_in (stores, error));
}

/* A child works where the process that started it says. A report of earlier runs is none of those to come. */
gboolean
sng_harness_make_run_directory (SngHarness *self, GError **error)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);
  const SngChildRequest *request = sng_child_get_request ();

  if (request != NULL)
    {
      set_run_directory (self, g_strdup (request->run_directory), FALSE);
      return sng_state_io_make_directory (sng_storage_get_posix (), priv->run_directory, error);
    }

  return choose_run_directory (self, error)
         && sng_state_io_make_directory (sng_storage_get_posix (), priv->run_directory, error)
         && remove_reports (priv->run_directory, error);
}

/* Takes the temporary directory away, with what is in it. Errors have nobody to go to. */
void
sng_harness_remove_run_directory (SngHarness *self)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->run_directory_is_temporary && !priv->keep_runs)
    {
      g_autofree char *parent = g_path_get_dirname (priv->run_directory);
      g_autoptr (GError) error = NULL;

      if (!sng_state_io_remove (sng_storage_get_posix (), parent, &error))
        g_message ("[harness][directory] %s stays: %s", parent, error->message);

      g_clear_pointer (&priv->run_directory, g_free);
      priv->run_directory_is_temporary = FALSE;
    }
}

static char *
dup_store_directory (SngHarness *self, const char *name)
{
  SngHarnessPrivate *priv = sng_harness_get_private (self);

  if (priv->metadata_dir == NULL)
    return sng_harness_dup_run_path (self, name);

  return g_build_filename (priv->metadata_dir, priv->exp_name, name, NULL);
}

char *
sng_harness_dup_rank_store_path (SngHarness *self, const char *name, guint rank)
{
  g_autofree char *directory = dup_store_directory (self, name);
  g_autofree char *file = g_strdup_printf ("rank-%05u.db", rank);

  return g_build_filename (directory, file, NULL);
}

char *
sng_harness_dup_run_store_path (SngHarness *self, const char *name)
{
  return sng_harness_dup_rank_store_path (self, name, 0);
}

char *
sng_harness_dup_store_path (SngHarness *self, SngMode mode)
{
  g_autofree char *name = dup_mode_name (self, mode);

  return sng_harness_dup_run_store_path (self, name);
}

/* A training that goes on finds what the one before has left: complete checkpoints, and the remains of a save that was
 * killed. What it does to them is done to its own links. */
static gboolean
link_checkpoints (SngHarness *self, const SngRun *run, GError **error)
{
  g_autofree char *from = sng_harness_dup_run_path (self, run->source);
  g_autofree char *directory = sng_harness_dup_run_path (self, run->name);
  g_autofree char *to = g_build_filename (directory, "checkpoints", NULL);

  return !sng_state_io_exists (from) || sng_state_io_link_tree (sng_storage_get_posix (), from, to, error);
}

gboolean
sng_harness_prepare_run (SngHarness *self, const SngRun *run, GError **error)
{
  g_autofree char *directory = sng_harness_dup_run_path (self, run->name);
  g_autofree char *store_directory = dup_store_directory (self, run->name);

  return sng_state_io_remove (sng_storage_get_posix (), directory, error)
         && sng_state_io_remove (sng_storage_get_posix (), store_directory, error)
         && sng_state_io_make_directory (sng_storage_get_posix (), directory, error)
         && sng_state_io_make_directory (sng_storage_get_posix (), store_directory, error)
         && (run->source == NULL || run->source_step != 0 || link_checkpoints (self, run, error));
}

/**
 * sng_harness_get_run_directory:
 * @self: a harness
 *
 * Where the runs are kept.
 *
 * Returns: (nullable) (transfer none) (type filename): an absolute path; %NULL before the first run, and after
 *   a failed one in a temporary directory
 *
 * Since: 1.0
 */
const char *
sng_harness_get_run_directory (SngHarness *self)
{
  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);

  return sng_harness_get_private (self)->run_directory;
}

/**
 * sng_harness_dup_mode_directory:
 * @self: a harness
 * @mode: a mode
 *
 * Where a mode keeps its checkpoints (in `checkpoints`), what it printed (`output.log`) and, unless
 * [property@Sng.Harness:metadata-dir] is set, its run store (`rank-00000.db`). Within a vfunc that is called for a mode it is the
 * directory of the run at work; elsewhere, where a mode has several runs, that of the first.
 *
 * Returns: (nullable) (transfer full) (type filename): an absolute path; %NULL where
 *   [method@Sng.Harness.get_run_directory] is
 *
 * Since: 1.0
 */
char *
sng_harness_dup_mode_directory (SngHarness *self, SngMode mode)
{
  SngHarnessPrivate *priv;
  g_autofree char *name = NULL;

  g_return_val_if_fail (SNG_IS_HARNESS (self), NULL);
  g_return_val_if_fail ((guint) mode < SNG_N_MODES, NULL);

  priv = sng_harness_get_private (self);
  if (priv->run_directory == NULL)
    return NULL;

  name = dup_mode_name (self, mode);

  return g_build_filename (priv->run_directory, name, NULL);
}
