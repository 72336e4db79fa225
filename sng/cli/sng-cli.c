/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include <string.h>

#include "state/sng-json-private.h"

int
sng_cli_fail (const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  g_printerr ("sng: %s\n", message);

  return SNG_EXIT_ERROR;
}

gboolean
sng_cli_parse (const char *command,
               const char *parameters,
               const char *summary,
               const char *description,
               GOptionEntry *entries,
               GOptionEntry *more_entries,
               guint n_arguments,
               int *argc,
               char ***argv)
{
  g_autofree char *program = g_strdup_printf ("sng %s", command);
  g_autoptr (GOptionContext) context = g_option_context_new (parameters);
  g_autoptr (GError) error = NULL;

  g_set_prgname (program);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (more_entries != NULL)
    g_option_context_add_main_entries (context, more_entries, GETTEXT_PACKAGE);

  if (!g_option_context_parse (context, argc, argv, &error))
    {
      sng_cli_fail ("%s", error->message);
      return FALSE;
    }

  if (n_arguments == SNG_CLI_ANY && *argc < 2)
    {
      sng_cli_fail (_ ("%s takes one argument or more; see %s --help"), program, program);
      return FALSE;
    }

  if (n_arguments != SNG_CLI_ANY && *argc != (int) n_arguments + 1)
    {
      sng_cli_fail (ngettext ("%s takes %u argument, not %d; see %s --help",
                              "%s takes %u arguments, not %d; see %s --help", n_arguments),
                    program, n_arguments, *argc - 1, program);
      return FALSE;
    }

  return TRUE;
}

gboolean
sng_cli_check_range (const char *name, gint64 value, gint64 minimum, gint64 maximum)
{
  if (value >= minimum && value <= maximum)
    return TRUE;

  sng_cli_fail (_ ("--%s is %" PRId64 ", but must be from %" PRId64 " to %" PRId64), name, value, minimum,
                maximum);

  return FALSE;
}

gboolean
sng_cli_check_given (const char *name, gint64 value, gint64 minimum, gint64 maximum)
{
  return value == SNG_NOT_GIVEN || sng_cli_check_range (name, value, minimum, maximum);
}

gboolean
sng_cli_check_stops (const char *stops)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStopPlan) plan = NULL;

  if (stops == NULL)
    return TRUE;

  plan = sng_stop_plan_from_string (stops, &error);
  if (plan != NULL)
    return TRUE;

  sng_cli_fail ("--stops: %s", error->message);

  return FALSE;
}

gboolean
sng_cli_check_tolerance (const char *tolerance)
{
  if (tolerance == NULL || g_str_equal (tolerance, "noise"))
    return TRUE;

  sng_cli_fail (_ ("--tolerance %s: there is noise"), tolerance);

  return FALSE;
}

static gboolean
holds (const char *directory, const char *name)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

gboolean
sng_cli_find_kind (const char *path, SngKind *kind, GError **error)
{
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, _ ("%s does not exist"), path);
      return FALSE;
    }

  if (g_file_test (path, G_FILE_TEST_IS_DIR) && holds (path, "plan.json"))
    *kind = SNG_KIND_RUN;
  else if (g_file_test (path, G_FILE_TEST_IS_DIR) && holds (path, "state.json"))
    *kind = SNG_KIND_CHECKPOINT;
  else if (g_file_test (path, G_FILE_TEST_IS_DIR) && holds (path, "rank-00000.db"))
    *kind = SNG_KIND_STORE;
  else if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_str_has_suffix (path, ".db"))
    *kind = SNG_KIND_STORE;
  else if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_str_has_suffix (path, ".safetensors"))
    *kind = SNG_KIND_SAFETENSORS;
  else
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          _ ("%s is neither a run directory (with a plan.json), a mode's directory or run store (.db), "
             "a checkpoint (a directory with a state.json) nor a .safetensors file"),
          path);
      return FALSE;
    }

  return TRUE;
}

char *
sng_cli_dup_store (const char *path)
{
  return g_file_test (path, G_FILE_TEST_IS_DIR) ? g_build_filename (path, "rank-00000.db", NULL)
                                                : g_strdup (path);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Of the directory and of those in it: what is at @path, with @prefix before its names. */
static gboolean
add_runs (GPtrArray *runs, const char *path, const char *prefix, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *below = g_build_filename (path, name, NULL);
      g_autofree char *run = g_strconcat (prefix, name, NULL);
      g_autofree char *next_prefix = g_strconcat (run, G_DIR_SEPARATOR_S, NULL);

      if (holds (below, "rank-00000.db"))
        g_ptr_array_add (runs, g_steal_pointer (&run));
      else if (*prefix == '\0' && g_file_test (below, G_FILE_TEST_IS_DIR)
               && !add_runs (runs, below, next_prefix, error))
        return FALSE;
    }

  return TRUE;
}

char **
sng_cli_list_runs (const char *path, GError **error)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func (g_free);

  if (!add_runs (runs, path, "", error))
    return NULL;

  g_ptr_array_sort (runs, compare_names);
  g_ptr_array_add (runs, NULL);

  return (char **) g_ptr_array_free (g_steal_pointer (&runs), FALSE);
}

JsonNode *
sng_cli_load_json (const char *directory, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *text = NULL;
  JsonNode *root = NULL;
  gsize length;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, _ ("%s: there is no such file"), path);
      return NULL;
    }

  if (!g_file_get_contents (path, &text, &length, error))
    return NULL;

  root = sng_json_parse_object (text, length, error);
  if (root == NULL)
    g_prefix_error (error, "%s: ", path);

  return root;
}
