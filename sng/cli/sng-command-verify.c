/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-cli-private.h"

#include <string.h>

#define RUN_STORE_PREFIX "rank-"
#define LATEST "latest"

typedef struct
{
  gboolean is_quiet;
  guint n_verified;
  guint n_damaged;
} Verification;

/* ---- What is printed ---- */

static void
pass (Verification *self, const char *path, char *what)
{
  self->n_verified++;
  if (!self->is_quiet)
    g_print (_ ("%s: OK, %s\n"), path, what);
  g_free (what);
}

static void
report_damage (Verification *self, const char *path, const char *reason)
{
  self->n_damaged++;
  g_print (_ ("%s: DAMAGED: %s\n"), path, reason);
}

/* ---- Checkpoints and tensors ---- */

static void
count_tensors (SngStateDict *dict, guint *n_tensors, guint64 *n_bytes)
{
  for (guint i = 0; i < sng_state_dict_get_n_items (dict); i++)
    {
      SngTensor *tensor = sng_state_dict_lookup_tensor (dict, sng_state_dict_get_name (dict, i));

      if (tensor == NULL)
        continue;

      *n_tensors += 1;
      *n_bytes += sng_tensor_get_n_bytes (tensor);
    }
}

static char *
dup_contents (guint n_tensors, guint64 n_bytes)
{
  g_autofree char *tensors = g_strdup_printf (ngettext ("%u tensor", "%u tensors", n_tensors), n_tensors);
  g_autofree char *bytes =
      g_strdup_printf (ngettext ("%" PRIu64 " byte", "%" PRIu64 " bytes", n_bytes), n_bytes);

  /* translators: "171 tensors", and "7393320 bytes" */
  return g_strdup_printf (_ ("%s, %s"), tensors, bytes);
}

/* To load a checkpoint is to verify it: every byte is under a digest. */
static void
verify_checkpoint (Verification *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_load (path, &error);
  g_auto (GStrv) names = NULL;
  g_autofree char *states = NULL;
  g_autofree char *contents = NULL;
  guint n_tensors = 0;
  guint64 n_bytes = 0;
  guint n_states;

  if (checkpoint == NULL)
    {
      report_damage (self, path, error->message);
      return;
    }

  names = sng_checkpoint_dup_names (checkpoint);
  for (char **name = names; *name != NULL; name++)
    count_tensors (sng_checkpoint_lookup_state (checkpoint, *name), &n_tensors, &n_bytes);

  n_states = g_strv_length (names);
  states = g_strdup_printf (ngettext ("%u state", "%u states", n_states), n_states);
  contents = dup_contents (n_tensors, n_bytes);
  /* translators: "7 states", and "171 tensors, 7393320 bytes" */
  pass (self, path,
        g_strdup_printf (_ ("the state after step %" PRIu64 ": %s, %s"), sng_checkpoint_get_step (checkpoint),
                         states, contents));
}

static void
verify_safetensors (Verification *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngStateDict) tensors = sng_safetensors_load (path, NULL, &error);
  g_autofree char *contents = NULL;
  guint n_tensors = 0;
  guint64 n_bytes = 0;

  if (tensors == NULL)
    {
      report_damage (self, path, error->message);
      return;
    }

  count_tensors (tensors, &n_tensors, &n_bytes);
  contents = dup_contents (n_tensors, n_bytes);
  /* translators: "171 tensors, 7393320 bytes" */
  pass (self, path, g_strdup_printf (_ ("%s; only its structure is verified, there is no digest"), contents));
}

/* What latest says, and what a resume would go on from. */
static void
verify_latest (Verification *self, SngCheckpointStore *store)
{
  const char *path = sng_checkpoint_store_get_path (store);
  g_autofree char *latest = g_build_filename (path, LATEST, NULL);
  g_auto (GStrv) refused = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_store_load_latest (store, &refused, &error);
  g_autofree char *loaded =
      checkpoint != NULL ? g_path_get_basename (sng_checkpoint_get_path (checkpoint)) : NULL;
  const char *reason = NULL;

  for (char **line = refused; line != NULL && *line != NULL && reason == NULL; line++)
    if (g_str_has_prefix (*line, LATEST ": "))
      reason = *line + strlen (LATEST ": ");

  if (reason != NULL)
    report_damage (self, latest, reason);

  /* what is passed over has been told of already */
  if (checkpoint == NULL)
    report_damage (self, path, _ ("no checkpoint can be loaded"));
  else if (refused != NULL)
    g_print (_ ("%s: a resume goes on from %s, and not from what was saved last\n"), path, loaded);
  else
    pass (self, latest, g_strdup_printf (_ ("a resume goes on from %s"), loaded));
}

static gboolean
verify_checkpoint_store (Verification *self, const char *path, GError **error)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  g_auto (GStrv) paths = sng_checkpoint_store_list (store, error);
  g_autofree char *latest = g_build_filename (path, LATEST, NULL);

  if (paths == NULL)
    return FALSE;

  for (char **checkpoint = paths; *checkpoint != NULL; checkpoint++)
    verify_checkpoint (self, *checkpoint);
  if (*paths != NULL || g_file_test (latest, G_FILE_TEST_EXISTS))
    verify_latest (self, store);

  return TRUE;
}

/* ---- Runs ---- */

/* A tensor that was kept whole is the one of which the fingerprint was recorded. */
static gboolean
verify_capture (const char *directory, SngMetadata *entry, GError **error)
{
  g_autofree char *path = g_build_filename (directory, sng_metadata_get_capture (entry), NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  g_autoptr (SngStateDict) contents = NULL;
  g_autoptr (SngFingerprint) fingerprint = NULL;
  g_autofree char *text = NULL;
  SngTensor *tensor = NULL;

  if (g_file_test (path, G_FILE_TEST_IS_SYMLINK) || g_file_test (parent, G_FILE_TEST_IS_SYMLINK))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, _ ("%s: a symbolic link, which is not followed"),
                   path);
      return FALSE;
    }

  if ((contents = sng_safetensors_load (path, NULL, error)) == NULL)
    return FALSE;

  if (sng_state_dict_get_n_items (contents) == 1)
    tensor = sng_state_dict_lookup_tensor (contents, sng_state_dict_get_name (contents, 0));
  if (tensor != NULL)
    {
      fingerprint = sng_tensor_compute_fingerprint (tensor);
      text = sng_fingerprint_to_string (fingerprint);
    }
  if (g_strcmp0 (text, sng_metadata_get_fingerprint (entry)) == 0)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_CORRUPT, _ ("%s: this is not the tensor that was recorded"), path);
  return FALSE;
}

static gboolean
read_store (const char *path, guint64 *n_entries, guint *n_captures, GError **error)
{
  g_autoptr (SngRunStore) store = sng_run_store_open (path, error);
  g_autofree char *directory = g_path_get_dirname (path);
  g_auto (GStrv) metrics = store != NULL ? sng_run_store_list_metrics (store, error) : NULL;

  if (metrics == NULL)
    return FALSE;

  for (char **metric = metrics; *metric != NULL; metric++)
    {
      g_autoptr (GPtrArray) entries = sng_run_store_query (store, *metric, 0, G_MAXUINT64, error);

      if (entries == NULL)
        return FALSE;

      *n_entries += entries->len;
      for (guint i = 0; i < entries->len; i++)
        {
          if (sng_metadata_get_capture (entries->pdata[i]) == NULL)
            continue;
          if (!verify_capture (directory, entries->pdata[i], error))
            return FALSE;
          *n_captures += 1;
        }
    }

  return TRUE;
}

static char *
dup_entries (guint64 n_entries, guint n_captures)
{
  g_autofree char *entries =
      g_strdup_printf (ngettext ("%" PRIu64 " entry", "%" PRIu64 " entries", n_entries), n_entries);
  g_autofree char *captures =
      g_strdup_printf (ngettext ("%u captured tensor", "%u captured tensors", n_captures), n_captures);

  /* translators: "2402 entries", and "3 captured tensors" */
  return n_captures > 0 ? g_strdup_printf (_ ("%s, %s"), entries, captures) : g_steal_pointer (&entries);
}

static void
verify_store (Verification *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  guint64 n_entries = 0;
  guint n_captures = 0;

  if (!read_store (path, &n_entries, &n_captures, &error))
    report_damage (self, path, error->message);
  else
    pass (self, path, dup_entries (n_entries, n_captures));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in a directory, sorted. */
static GPtrArray *
list_names (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (dir == NULL)
    return NULL;

  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  return g_steal_pointer (&names);
}

static gboolean
holds (const char *path, const char *name, GFileTest what)
{
  g_autofree char *below = g_build_filename (path, name, NULL);

  return g_file_test (below, what);
}

/* What one of the runs left: it had a child, or checkpoints, and so it has a run store. */
static gboolean
is_mode (const char *path)
{
  return holds (path, "rank-00000.db", G_FILE_TEST_EXISTS) || holds (path, "outcome.json", G_FILE_TEST_EXISTS)
         || holds (path, "checkpoints", G_FILE_TEST_IS_DIR);
}

static gboolean
verify_mode (Verification *self, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = list_names (path, error);
  g_autofree char *first = g_build_filename (path, "rank-00000.db", NULL);
  g_autofree char *checkpoints = g_build_filename (path, "checkpoints", NULL);

  if (names == NULL)
    return FALSE;

  if (!g_file_test (first, G_FILE_TEST_EXISTS))
    report_damage (self, first, _ ("the run store is missing"));

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *store = g_build_filename (path, name, NULL);

      if (g_str_has_prefix (name, RUN_STORE_PREFIX) && g_str_has_suffix (name, ".db"))
        verify_store (self, store);
    }

  return !g_file_test (checkpoints, G_FILE_TEST_IS_DIR) || verify_checkpoint_store (self, checkpoints, error);
}

/* The runs that are in the directory, and those of a sweep or a drill in one of it. */
static gboolean
verify_runs (Verification *self, const char *path, guint depth, GError **error)
{
  g_autoptr (GPtrArray) names = list_names (path, error);

  if (names == NULL)
    return FALSE;

  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *below = g_build_filename (path, names->pdata[i], NULL);

      if (!g_file_test (below, G_FILE_TEST_IS_DIR) || g_file_test (below, G_FILE_TEST_IS_SYMLINK))
        continue;
      if (is_mode (below) ? !verify_mode (self, below, error)
                          : depth > 1 && !verify_runs (self, below, depth - 1, error))
        return FALSE;
    }

  return TRUE;
}

/* ---- The command ---- */

/* Also one that has lost its state.json. */
static gboolean
is_checkpoint_name (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  return g_str_has_prefix (name, "step-") && name[strlen ("step-")] != '\0'
         && strspn (name + strlen ("step-"), G_CSET_DIGITS) == strlen (name + strlen ("step-"));
}

static gboolean
is_checkpoint_store (const char *path)
{
  g_autoptr (SngCheckpointStore) store = sng_checkpoint_store_new (path);
  g_auto (GStrv) paths = sng_checkpoint_store_list (store, NULL);

  return (paths != NULL && *paths != NULL) || holds (path, LATEST, G_FILE_TEST_EXISTS);
}

static gboolean
verify_directory (Verification *self, const char *path, GError **error)
{
  guint n_before = self->n_verified + self->n_damaged;

  if (holds (path, "state.json", G_FILE_TEST_EXISTS) || is_checkpoint_name (path))
    verify_checkpoint (self, path);
  else if (is_mode (path))
    return verify_mode (self, path, error);
  else if (is_checkpoint_store (path))
    return verify_checkpoint_store (self, path, error);
  else if (!verify_runs (self, path, 2, error))
    return FALSE;

  if (self->n_verified + self->n_damaged > n_before)
    return TRUE;

  g_set_error (
      error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
      _ ("%s holds neither a checkpoint (with a state.json), checkpoints, nor what a run has recorded"),
      path);
  return FALSE;
}

static gboolean
verify (Verification *self, const char *path, GError **error)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return verify_directory (self, path, error);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, _ ("%s does not exist"), path);
      return FALSE;
    }

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_str_has_suffix (path, ".db"))
    {
      verify_store (self, path);
      return TRUE;
    }

  if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_str_has_suffix (path, ".safetensors"))
    {
      verify_safetensors (self, path);
      return TRUE;
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               _ ("%s is neither a directory, a run store (.db) nor a .safetensors file"), path);
  return FALSE;
}

int
sng_command_verify (int argc, char **argv)
{
  Verification self = { FALSE };
  gboolean all_read = TRUE;
  GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &self.is_quiet, N_ ("print only what is damaged"), NULL },
    { NULL },
  };

  if (!sng_cli_parse (
          "verify", _ ("PATH…"),
          _ ("Reads all of each PATH and holds it against its digests: a checkpoint, a directory of\n"
             "checkpoints, a run directory with all that is in it, or a run store (.db). Of a\n"
             ".safetensors file, which has no digest, the structure is verified."),
          _ ("Exit codes: 0 everything verifies, 1 something is damaged, 3 a PATH is not there or is no\n"
             "such thing, whatever became of the others."),
          entries, NULL, SNG_CLI_ANY, &argc, &argv))
    return SNG_EXIT_ERROR;

  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!verify (&self, argv[i], &error))
        {
          sng_cli_fail ("%s", error->message);
          all_read = FALSE;
        }
    }

  if (!all_read)
    return SNG_EXIT_ERROR;

  return self.n_damaged > 0 ? SNG_EXIT_DIFFERENT : SNG_EXIT_PASS;
}
