/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Bytes as the state.json of a checkpoint whose other files are sound: as they are, and with the digest that the bytes
 * before the last member would have, since no fuzzer finds that by chance. Of a checkpoint of several ranks they are its
 * index, or, with zero bytes between them, the manifests of all ranks. */

#include "fuzz.h"

#include <string.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

#define END "  \"digest\": \""

static gsize
measure_value (GVariant *value)
{
  g_assert_true (g_variant_is_normal_form (value));

  return g_variant_get_size (value);
}

/* Values and tensors come from the files, so together they are not larger than those. */
static void
measure (SngCheckpoint *checkpoint, guint64 *n_value_bytes, guint64 *n_tensor_bytes)
{
  GVariant *metadata = sng_checkpoint_get_metadata (checkpoint);
  g_auto (GStrv) names = sng_checkpoint_dup_names (checkpoint);

  *n_value_bytes = metadata != NULL ? measure_value (metadata) : 0;
  *n_tensor_bytes = 0;
  for (guint i = 0; names[i] != NULL; i++)
    {
      SngStateDict *state = sng_checkpoint_lookup_state (checkpoint, names[i]);

      for (guint j = 0; j < sng_state_dict_get_n_items (state); j++)
        {
          const char *name = sng_state_dict_get_name (state, j);
          SngTensor *tensor = sng_state_dict_lookup_tensor (state, name);

          if (tensor == NULL)
            *n_value_bytes += measure_value (sng_state_dict_lookup_value (state, name));
          else
            *n_tensor_bytes += sng_tensor_get_n_bytes (tensor);
        }
    }
}

static guint64
measure_files (const char *path)
{
  g_auto (GStrv) names = sng_state_io_is_directory (path) ? sng_state_io_list (path, NULL) : NULL;
  guint64 size = 0;
  GStatBuf info;

  if (names == NULL)
    return g_stat (path, &info) == 0 && g_str_has_suffix (path, ".safetensors") ? (guint64) info.st_size : 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *below = g_build_filename (path, names[i], NULL);

      size += measure_files (below);
    }

  return size;
}

static JsonNode *
parse (const GString *manifest)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (parser, manifest->str, (gssize) manifest->len, NULL));

  return json_parser_steal_root (parser);
}

/* Nothing in a manifest is passed over: each state and each entry in it is one that was loaded. */
static void
note_names (SngCheckpoint *checkpoint, const GString *manifest, GHashTable *states, GHashTable *entries)
{
  g_autoptr (JsonNode) root = parse (manifest);
  JsonArray *array = json_object_get_array_member (json_node_get_object (root), "states");

  g_assert_false (json_object_has_member (json_node_get_object (root), "ranks"));
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = json_array_get_object_element (array, i);
      const char *state = json_object_get_string_member (object, "name");
      JsonArray *list = json_object_get_array_member (object, "entries");

      g_assert_nonnull (sng_checkpoint_lookup_state (checkpoint, state));
      g_hash_table_add (states, g_strdup (state));
      for (guint j = 0; j < json_array_get_length (list); j++)
        {
          const char *name = json_object_get_string_member (json_array_get_object_element (list, j), "name");

          g_assert_true (sng_state_dict_contains (sng_checkpoint_lookup_state (checkpoint, state), name));
          g_hash_table_add (entries, g_strconcat (state, "\n", name, NULL));
        }
    }
}

static void
check_names (SngCheckpoint *checkpoint, GPtrArray *manifests)
{
  g_autoptr (GHashTable) states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) names = sng_checkpoint_dup_names (checkpoint);
  guint n_entries = 0;

  for (guint i = 0; i < manifests->len; i++)
    note_names (checkpoint, manifests->pdata[i], states, entries);
  for (guint i = 0; names[i] != NULL; i++)
    n_entries += sng_state_dict_get_n_items (sng_checkpoint_lookup_state (checkpoint, names[i]));

  g_assert_cmpuint (g_hash_table_size (states), ==, g_strv_length (names));
  g_assert_cmpuint (g_hash_table_size (entries), ==, n_entries);
}

/* The manifests that have the states: that of the checkpoint, or where it is an index those of the ranks. */
static GPtrArray *
list_manifests (GString *manifest, GPtrArray *ranks)
{
  g_autoptr (JsonNode) root = parse (manifest);
  GPtrArray *manifests;

  if (json_object_has_member (json_node_get_object (root), "ranks"))
    {
      g_assert_nonnull (ranks);
      g_assert_false (json_object_has_member (json_node_get_object (root), "states"));
      return g_ptr_array_ref (ranks);
    }

  manifests = g_ptr_array_new ();
  g_ptr_array_add (manifests, manifest);

  return manifests;
}

/* What was loaded can be written, without any rank, and is then the same. */
static void
check_round_trip (SngCheckpoint *checkpoint, const char *path)
{
  g_autofree char *copy = g_build_filename (fuzz_get_directory (), "copy", NULL);
  g_autoptr (SngFingerprint) fingerprint = sng_checkpoint_compute_fingerprint (checkpoint);
  g_autoptr (SngFingerprint) again = NULL;
  g_autoptr (SngCheckpoint) loaded = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *metadata = sng_checkpoint_get_metadata (checkpoint);
  GVariant *loaded_metadata;

  g_mkdir (copy, 0700);
  sng_checkpoint_write (checkpoint, fuzz_get_storage (), copy, 0, 0, &error);
  g_assert_no_error (error);
  loaded = sng_checkpoint_load (copy, &error);
  g_assert_no_error (error);

  g_assert_cmpuint (sng_checkpoint_get_step (checkpoint), ==, sng_checkpoint_get_step (loaded));
  again = sng_checkpoint_compute_fingerprint (loaded);
  g_assert_true (sng_fingerprint_equal (fingerprint, again));
  loaded_metadata = sng_checkpoint_get_metadata (loaded);
  g_assert_true ((metadata == NULL) == (loaded_metadata == NULL));
  if (metadata != NULL)
    g_assert_cmpmem (g_variant_get_data (metadata), g_variant_get_size (metadata),
                     g_variant_get_data (loaded_metadata), g_variant_get_size (loaded_metadata));

  fuzz_run_show (path);
  fuzz_run_diff (path, copy);
  g_assert_true (fuzz_run_verify (path));
  fuzz_remove ("copy");
}

/* Loads the checkpoint whose manifest this is made to be; @ranks are those of its ranks, of GString. */
static void
load (const char *name, GString *manifest, GPtrArray *ranks)
{
  g_autofree char *directory = g_build_filename (fuzz_get_directory (), name, NULL);
  g_autofree char *relative = g_build_filename (name, SNG_CHECKPOINT_MANIFEST, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngCheckpoint) checkpoint = NULL;
  g_autoptr (GPtrArray) manifests = NULL;
  const char *state, *entry;
  guint64 n_value_bytes, n_tensor_bytes;
  gsize n_text_bytes = 0;

  g_free (fuzz_write (relative, manifest->str, manifest->len));
  checkpoint = sng_checkpoint_load (directory, &error);
  if (checkpoint == NULL)
    {
      fuzz_assert_refused (error);
      return;
    }

  g_assert_no_error (error);
  fuzz_note_taken ();
  g_assert_false (sng_checkpoint_find_shard (checkpoint, &state, &entry));

  manifests = list_manifests (manifest, ranks);
  for (guint i = 0; i < manifests->len; i++)
    n_text_bytes += ((GString *) manifests->pdata[i])->len;
  measure (checkpoint, &n_value_bytes, &n_tensor_bytes);
  g_assert_cmpuint (n_value_bytes, <=, n_text_bytes);
  g_assert_cmpuint (n_tensor_bytes, <=, measure_files (directory));
  check_names (checkpoint, manifests);
  check_round_trip (checkpoint, directory);
}

/* As it is, and corrected. */
static void
load_both (const char *name, const char *text, gsize size, GString *corrected, GPtrArray *ranks)
{
  GString *forms[] = { g_string_new_len (text, (gssize) size), corrected };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      load (name, forms[i], ranks);
      g_string_free (forms[i], TRUE);
    }
}

/* With the last member that belongs to what is before it. */
static GString *
finish (const char *text, gsize size)
{
  const char *end = g_strrstr_len (text, (gssize) size, END);
  gsize length = end != NULL ? (gsize) (end - text) : size;
  g_autofree char *last_lines = sng_checkpoint_manifest_end (text, length);
  GString *manifest = g_string_new_len (text, (gssize) length);

  return g_string_append (manifest, last_lines);
}

/* ---- Of one process ---- */

static void
load_plain (const char *text, gsize size)
{
  static char *directory;

  if (directory == NULL)
    directory = fuzz_make_checkpoint (fuzz_get_directory ());

  load_both ("checkpoint", text, size, finish (text, size), NULL);
}

/* ---- Of several ---- */

/* The manifests of the checkpoint as it was made. */
static GPtrArray *
get_made (guint n_ranks)
{
  static GPtrArray *made[FUZZ_MAX_RANKS + 1];

  if (made[n_ranks] == NULL)
    {
      g_autofree char *directory = fuzz_make_ranks (fuzz_get_directory (), n_ranks);

      made[n_ranks] = fuzz_read_ranks (directory, n_ranks);
    }

  return made[n_ranks];
}

static void
write_ranks (const char *name, GPtrArray *manifests)
{
  for (guint rank = 0; rank < manifests->len; rank++)
    {
      const GString *manifest = manifests->pdata[rank];
      g_autofree char *rank_name = sng_checkpoint_rank_to_name (rank);
      g_autofree char *path = g_build_filename (name, rank_name, SNG_CHECKPOINT_MANIFEST, NULL);

      g_free (fuzz_write (path, manifest->str, manifest->len));
    }
}

/* An index that knows the manifests that there are, in the order of their ranks. */
static GString *
correct_index (const char *text, gsize size, GPtrArray *manifests)
{
  static const char member[] = "\"manifest\": \"";
  g_autoptr (GString) index = g_string_new_len (text, (gssize) size);
  gsize at = 0;

  for (guint rank = 0; rank < manifests->len; rank++)
    {
      const GString *manifest = manifests->pdata[rank];
      g_autofree char *digest =
          g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) manifest->str, manifest->len);
      const char *start = g_strstr_len (index->str + at, (gssize) (index->len - at), member);
      const char *end;

      if (start == NULL)
        break;
      start += strlen (member);
      at = (gsize) (start - index->str);
      end = memchr (start, '"', index->len - at);
      if (end == NULL)
        break;
      g_string_erase (index, (gssize) at, end - start);
      g_string_insert (index, (gssize) at, digest);
    }

  return finish (index->str, index->len);
}

static void
load_index (const char *text, gsize size)
{
  GPtrArray *ranks = get_made (2);

  write_ranks ("ranks-2", ranks);
  load_both ("ranks-2", text, size, correct_index (text, size, ranks), ranks);
}

static GString *
make_index (const char *name, guint n_ranks)
{
  g_autofree char *directory = g_build_filename (fuzz_get_directory (), name, NULL);
  g_autofree char *path = g_build_filename (directory, SNG_CHECKPOINT_MANIFEST, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_unlink (path);
  sng_checkpoint_write_index (fuzz_get_storage (), directory, FUZZ_STEP, n_ranks, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));

  return g_string_new_len (text, (gssize) length);
}

/* With the index that belongs to them. */
static void
load_ranks (const char *text, gsize size)
{
  g_autoptr (GPtrArray) ranks = g_ptr_array_new_with_free_func (fuzz_free_string);
  g_autoptr (GString) index = NULL;
  g_autofree char *name = NULL;
  const char *zero;

  while ((zero = memchr (text, 0, size)) != NULL && ranks->len + 1 < FUZZ_MAX_RANKS)
    {
      g_ptr_array_add (ranks, finish (text, (gsize) (zero - text)));
      size -= (gsize) (zero + 1 - text);
      text = zero + 1;
    }
  g_ptr_array_add (ranks, finish (text, size));

  get_made (ranks->len);
  name = g_strdup_printf ("ranks-%u", ranks->len);
  write_ranks (name, ranks);
  index = make_index (name, ranks->len);
  load (name, index, ranks);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const char *text = (const char *) data;

  if (g_strstr_len (text, (gssize) size, "\"ranks\":") != NULL)
    load_index (text, size);
  else if (g_strstr_len (text, (gssize) size, "\"rank\":") != NULL)
    load_ranks (text, size);
  else
    load_plain (text, size);

  return 0;
}
