/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Sound files of libsng itself. */

#include "fuzz.h"

#include <sqlite3.h>

#include <glib/gstdio.h>

#include "state/sng-checkpoint-private.h"

static void
add_tensor (SngStateDict *state, const char *name, SngDtype dtype, guint n_dims, const gint64 *shape)
{
  const double values[] = { 0.5, -1.0, 2.0, 3.25, -0.0, 7.0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  gsize n = 1;

  for (guint i = 0; i < n_dims; i++)
    n *= (gsize) shape[i];
  g_assert_cmpuint (n, <=, G_N_ELEMENTS (values));
  tensor = sng_tensor_new_from_values (dtype, shape, n_dims, values, n, &error);
  g_assert_no_error (error);
  sng_state_dict_set_tensor (state, name, tensor);
}

static SngStateDict *
new_tensors (void)
{
  SngStateDict *state = sng_state_dict_new ();

  add_tensor (state, "weight", SNG_DTYPE_F32, 2, (const gint64[]){ 2, 3 });
  add_tensor (state, "bias", SNG_DTYPE_BF16, 1, (const gint64[]){ 3 });
  add_tensor (state, "empty", SNG_DTYPE_I64, 2, (const gint64[]){ 0, 4 });
  add_tensor (state, "scalar", SNG_DTYPE_F64, 0, NULL);

  return state;
}

void
fuzz_make_safetensors (const char *path)
{
  g_autoptr (SngStateDict) tensors = new_tensors ();
  g_autoptr (GVariant) metadata = g_variant_ref_sink (g_variant_new_parsed ("{'format': 'pt', 'é\\n': ''}"));
  g_autoptr (GError) error = NULL;

  sng_safetensors_save (path, tensors, metadata, &error);
  g_assert_no_error (error);
}

char *
fuzz_make_checkpoint (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "checkpoint", NULL);
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (FUZZ_STEP);
  g_autoptr (SngStateDict) model = new_tensors ();
  g_autoptr (SngStateDict) trainer = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  sng_state_dict_set_int64 (model, "n-steps", 7);
  sng_state_dict_set_int64 (trainer, "global-step", 7);
  sng_state_dict_set_double (trainer, "loss", 0.1);
  sng_state_dict_set_value (trainer, "ids", g_variant_new_parsed ("[int64 3, 1, 2]"));
  sng_state_dict_set_value (trainer, "nested", g_variant_new_parsed ("(true, <'a'>, [('b', <@ay []>)])"));
  sng_checkpoint_set_state (checkpoint, "model", model);
  sng_checkpoint_set_state (checkpoint, "rng/masking", trainer);
  sng_checkpoint_set_metadata (checkpoint, g_variant_new_parsed ("{'kept': <[uint64 7]>}"));

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  sng_checkpoint_write (checkpoint, fuzz_get_storage (), path, 0, 0, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&path);
}

/* Rows 2 and 3 of a tensor, or the first two; all four where there is one rank. */
static void
add_rows (SngStateDict *state, const char *name, gint64 n_columns, guint rank, guint n_ranks)
{
  const gint64 whole_shape[] = { 4, n_columns };
  const gint64 shape[] = { n_ranks > 1 ? 2 : 4, n_columns };
  const gint64 offset[] = { rank > 0 ? 2 : 0, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngShard) shard = sng_shard_new (whole_shape, 2, offset, 2, shape, 2, &error);
  g_autoptr (SngTensor) rows = NULL;

  g_assert_no_error (error);
  add_tensor (state, name, SNG_DTYPE_F32, 2, shape);
  rows = g_object_ref (sng_state_dict_lookup_tensor (state, name));
  sng_state_dict_set_shard (state, name, rows, shard, &error);
  g_assert_no_error (error);
}

static void
write_rank (const char *directory, guint rank, guint n_ranks)
{
  g_autofree char *name = sng_checkpoint_rank_to_name (rank);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *own = g_strdup_printf ("rng/rank-%u", rank);
  g_autoptr (SngCheckpoint) checkpoint = sng_checkpoint_new (FUZZ_STEP);
  g_autoptr (SngStateDict) model = sng_state_dict_new ();
  g_autoptr (SngStateDict) rng = sng_state_dict_new ();
  g_autoptr (GError) error = NULL;

  add_rows (model, "weight", 1, rank, n_ranks);
  add_rows (model, "empty", 0, rank, n_ranks);
  add_tensor (model, "bias", SNG_DTYPE_F32, 1, (const gint64[]){ 3 });
  sng_state_dict_set_int64 (model, "n-steps", FUZZ_STEP);
  sng_state_dict_set_int64 (rng, "drawn", rank);
  sng_checkpoint_set_state (checkpoint, "model", model);
  sng_checkpoint_set_state (checkpoint, own, rng);

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  sng_checkpoint_write (checkpoint, fuzz_get_storage (), path, rank, n_ranks, &error);
  g_assert_no_error (error);
}

/* The ranks after the second one have the same as it. */
char *
fuzz_make_ranks (const char *directory, guint n_ranks)
{
  g_autofree char *name = g_strdup_printf ("ranks-%u", n_ranks);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  for (guint rank = 0; rank < n_ranks; rank++)
    write_rank (path, rank, n_ranks);
  sng_checkpoint_write_index (fuzz_get_storage (), path, FUZZ_STEP, n_ranks, &error);
  g_assert_no_error (error);

  return g_steal_pointer (&path);
}

GPtrArray *
fuzz_read_ranks (const char *directory, guint n_ranks)
{
  GPtrArray *manifests = g_ptr_array_new_with_free_func (fuzz_free_string);

  for (guint rank = 0; rank < n_ranks; rank++)
    {
      g_autofree char *name = sng_checkpoint_rank_to_name (rank);
      g_autofree char *path = g_build_filename (directory, name, SNG_CHECKPOINT_MANIFEST, NULL);
      g_autofree char *text = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (path, &text, &length, NULL));
      g_ptr_array_add (manifests, g_string_new_len (text, (gssize) length));
    }

  return manifests;
}

static void
append (SngRunStore *store, const char *entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dictionary = g_variant_parse (G_VARIANT_TYPE_VARDICT, entry, NULL, NULL, &error);
  g_autoptr (SngMetadata) metadata = NULL;

  g_assert_no_error (error);
  metadata = sng_metadata_new (dictionary, &error);
  g_assert_no_error (error);
  sng_run_store_append (store, metadata, &error);
  g_assert_no_error (error);
}

/* What is recorded. */
static const char *const entries[] = {
  "{'metric': <'TrainLoss'>, 'stage': <'train'>, 'step': <1>, 'micro-batch': <0>, 'path': <'loss'>, "
  "'value': <0.5>}",
  "{'metric': <'SampleIds'>, 'stage': <'train'>, 'step': <1>, 'micro-batch': <0>, 'path': <'ids'>,"
  " 'value': <(uint64 0, [int64 1, 0])>}",
  "{'metric': <'Weights'>, 'stage': <'train'>, 'step': <1>, 'path': <'w'>, 'dtype': <'F32'>, 'shape': <[2, "
  "3]>,"
  " 'fingerprint': <'00112233445566778899aabbccddeeff'>, 'minimum': <-1.0>, 'maximum': <2.0>, 'mean': "
  "<0.5>,"
  " 'non-finite': <0>}",
  "{'metric': <'Weights'>, 'stage': <'validate'>, 'step': <2>, 'path': <'w'>, 'dtype': <'BF16'>, 'shape': "
  "<@ax []>,"
  " 'fingerprint': <'ffeeddccbbaa99887766554433221100'>, 'capture': <'captures/none.safetensors'>}",
  "{'metric': <'State'>, 'stage': <'train'>, 'step': <2>, 'path': <'text'>, 'value': <'a'>}",
  "{'metric': <'State'>, 'stage': <'train'>, 'step': <2>, 'path': <'flag'>, 'value': <true>}",
  "{'metric': <'State'>, 'stage': <'train'>, 'step': <2>, 'path': <'number'>, 'value': <7>}",
};

/* The smallest pages that SQLite knows. */
static void
shrink (const char *path)
{
  sqlite3 *db = NULL;

  g_assert_cmpint (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, "PRAGMA page_size = 512; VACUUM", NULL, NULL, NULL), ==, SQLITE_OK);
  sqlite3_close (db);
}

static SngRunStore *
create (const char *path)
{
  g_autoptr (GError) error = NULL;
  SngRunStore *store;

  /* The run's name is random, and what was made from one store belongs to the next one, too. */
  g_random_set_seed (1);
  store = sng_run_store_create (path, &error);
  g_assert_no_error (error);

  return store;
}

void
fuzz_make_run_store (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngRunStore) store = create (path);

  g_assert_true (sng_run_store_declare_metric (store, "Constant", SNG_METRIC_OPTIONAL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    append (store, entries[i]);
  g_assert_true (sng_run_store_set_info (store, "n-samples", g_variant_new_uint64 (2), NULL));
  g_assert_true (sng_run_store_set_info (store, "restored-step", g_variant_new_uint64 (0), NULL));
  g_assert_true (sng_run_store_set_info (store, "finished", g_variant_new_boolean (TRUE), NULL));
  sng_run_store_close (store, &error);
  g_assert_no_error (error);
  shrink (path);
}

static void
copy (const char *from, const char *to)
{
  g_autofree char *contents = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &contents, &size, NULL));
  g_assert_true (g_file_set_contents (to, contents, (gssize) size, NULL));
}

static int
shrink_cb (sqlite3 *db, char **message, const void *functions)
{
  return sqlite3_exec (db, "PRAGMA page_size = 512", NULL, NULL, NULL);
}

void
fuzz_make_open_store (const char *path)
{
  g_autofree char *made = g_strconcat (path, ".made", NULL);
  g_autofree char *made_log = g_strconcat (made, "-wal", NULL);
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  g_autoptr (SngRunStore) store = NULL;

  sqlite3_auto_extension ((void (*) (void)) shrink_cb);
  store = create (made);
  sqlite3_cancel_auto_extension ((void (*) (void)) shrink_cb);

  for (guint i = 0; i < FUZZ_N_FLUSHES; i++)
    {
      append (store, entries[i]);
      g_assert_true (sng_run_store_flush (store, NULL));
    }
  copy (made, path);
  copy (made_log, log);
  g_assert_true (sng_run_store_close (store, NULL));
  g_unlink (made);
}
