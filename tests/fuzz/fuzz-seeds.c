/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* memmem () */

/* Writes what libsng itself makes, a directory for each target: fuzz-seeds DIRECTORY. So the fuzzers start from files of
 * today's formats, whatever the corpus was made from. */

#include "fuzz.h"

#include <string.h>

#include <glib/gstdio.h>

#include "state/sng-checkpoint-private.h"
#include "state/sng-state-io-private.h"

/* Of each column and table something, for the fuzzer to go on from. */
static const char *const changes[] = {
  "UPDATE entries SET value = 1, exact = '3ff0000000000000' WHERE seq = 1;",
  "UPDATE entries SET exact = '7ff8000000000000';",
  "UPDATE entries SET metric = 'é', path = '';",
  "UPDATE entries SET metric = CAST (x'ff41' AS TEXT) WHERE seq = 3;",
  "UPDATE entries SET path = CAST (x'ff41' AS TEXT) WHERE seq = 3;",
  "UPDATE entries SET metric = '';",
  "UPDATE entries SET stage = 'validate';",
  "UPDATE entries SET stage = 'other' WHERE seq = 4;",
  "UPDATE entries SET step = step + 1000000;",
  "UPDATE entries SET step = 'abc' WHERE seq = 2;",
  "UPDATE entries SET step = 1.5 WHERE seq = 2;",
  "UPDATE entries SET step = -1 WHERE seq = 5;",
  "UPDATE entries SET step = 9223372036854775807 WHERE seq = 7;",
  "UPDATE entries SET micro_batch = -2;",
  "UPDATE entries SET rank = 4294967296;",
  "UPDATE entries SET rank = seq;",
  "UPDATE entries SET type = 'a{sv}', exact = '' WHERE seq = 1;",
  "UPDATE entries SET type = 'v', exact = '00000000000000000078' WHERE seq = 1;",
  "UPDATE entries SET type = 'h', exact = '00000000' WHERE seq = 1;",
  "UPDATE entries SET type = '(tax)', exact = '0000000000000000010000000000000002' WHERE seq = 2;",
  "UPDATE entries SET type = '(ss)', exact = '61006200' || '02' WHERE seq = 1;",
  "UPDATE entries SET type = 's', value = CAST (x'ff' AS TEXT) WHERE seq = 5;",
  "UPDATE entries SET type = 'b', value = 7 WHERE seq = 6;",
  "UPDATE entries SET type = NULL WHERE seq = 1;",
  "UPDATE entries SET dtype = 'F8', shape = '1' WHERE seq = 3;",
  "UPDATE entries SET shape = '1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6' WHERE seq "
  "= 3;",
  "UPDATE entries SET shape = ',' WHERE seq = 3;",
  "UPDATE entries SET fingerprint = 'FF' WHERE seq = 3;",
  "UPDATE entries SET fingerprint = '0011' || char (0) WHERE seq = 4;",
  "UPDATE entries SET minimum = NULL, maximum = 'x', mean = x'00', non_finite = -1 WHERE seq = 3;",
  "UPDATE entries SET capture = '../../x' WHERE seq = 3;",
  "UPDATE entries SET capture = CAST (x'2fff' AS TEXT) WHERE seq = 4;",
  ("INSERT INTO entries SELECT seq + 10, metric, stage, step + 1, micro_batch, rank, path, type, value, "
   "exact, dtype,"
   " shape, fingerprint, minimum, maximum, mean, non_finite, capture FROM entries;"),
  "DELETE FROM entries; DELETE FROM metrics;",
  "UPDATE metrics SET name = CAST (x'ff' AS TEXT) WHERE position = 1;",
  "UPDATE metrics SET name = '', flags = 'abc' WHERE position = 2;",
  "UPDATE metrics SET flags = -1;",
  "DELETE FROM info;",
  "UPDATE info SET value = 'uint64 18446744073709551615';",
  "UPDATE info SET value = '@as []' WHERE key = 'restored-step';",
  "UPDATE info SET value = CAST (x'27ff27' AS TEXT);",
  "UPDATE info SET value = printf ('%.*c', 300, '[');",
  "INSERT INTO info VALUES ('name', '''a''');",
  "INSERT INTO info VALUES ('environment', '{''a'': ''b''}');",
  "UPDATE seal SET closed = 0;",
  "UPDATE seal SET run = CAST (x'ff' AS TEXT), entries = -1;",
  "UPDATE seal SET digest = 7;",
  "DELETE FROM seal;",
  "INSERT INTO seal SELECT id + 1, run, 1 - closed, entries, digest FROM seal;",
  "CREATE VIEW v AS SELECT 1;",
  "CREATE INDEX i ON entries (printf ('%.*c', 1000000, metric));",
  "ALTER TABLE entries RENAME TO old; CREATE VIEW entries AS SELECT * FROM old;",
  "ALTER TABLE info ADD COLUMN more;",
  "CREATE TRIGGER t AFTER INSERT ON info BEGIN DELETE FROM entries; END;",
  "PRAGMA user_version = 9;",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2;",
  ("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage ="
   " (SELECT rootpage FROM sqlite_schema WHERE name = 'info') WHERE name = 'entries_by_step';"),
  "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'entries_by_step';",
  "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = CAST (x'ff' AS TEXT) WHERE name = 'info';",
};

/* What a manifest says, and what it says instead. */
typedef const char *Edit[2];

static const Edit edits[] = {
  { "\"version\": 1", "\"version\": 2" },
  { "\"step\": \"7\"", "\"step\": \"-7\"" },
  { "\"name\": \"ids\"", "\"name\": \"loss\"" },
  { "\"name\": \"n-steps\"", "\"name\": \"weight\"" },
  { "\"name\": \"rng/masking\"", "\"name\": \"model\"" },
  { "\"name\": \"rng/masking\"", "\"name\": \"../model\"" },
  { "\"file\": null", "\"file\": \"../x\"" },
  { "\"size\": ", "\"size\": 1" },
  { "\"header\": \"", "\"header\": \"0" },
  { "\"tensor\": \"", "\"tensor\": \"0" },
  { "\"type\": \"x\"", "\"type\": \"h\"" },
  { "\"type\": \"x\"", "\"type\": \"(xs)\"" },
  { "\"type\": \"d\"", "\"type\": \"v\"" },
  { "\"type\": \"a{sv}\"", "\"type\": \"av\"" },
  { "\"type\": \"a{sv}\"", "\"type\": \"(sv)\"" },
  { "\"data\": \"", "\"data\": \"AAAA" },
  { "\"shape\": [2, 3]", "\"shape\": [4, 3]" },
  { "\"shape\": [2, 3]", "\"shape\": [6]" },
  { "\"offset\": [0, 0]", "\"offset\": [1, 0]" },
};

/* The same of one rank's manifest among those of all ranks. */
static const Edit rank_edits[] = {
  { "\"shape\": [4, 1]", "\"shape\": [4000, 1]" },
  { "\"shape\": [4, 1]", "\"shape\": [9223372036854775807, 1]" },
  { "\"shape\": [4, 0]", "\"shape\": [4611686018427387904, 0]" },
  { "\"rank\": 0", "\"rank\": 1" },
  { "\"n_ranks\": ", "\"n_ranks\": 1" },
  { "\"step\": \"7\"", "\"step\": \"8\"" },
  { "\"shape\": [4, 1], \"offset\": [0, 0]", "\"shape\": [5, 1], \"offset\": [0, 0]" },
  { "\"shape\": [4, 1], \"offset\": [0, 0]", "\"shape\": [4, 1], \"offset\": [1, 0]" },
  { "\"shape\": [4, 1], \"offset\": [0, 0]", "\"shape\": [4, 1], \"offset\": [2, 0]" },
  { "\"shape\": [4, 1], \"offset\": [0, 0]", "\"shape\": [2, 1], \"offset\": [0, 0]" },
  { "\"shape\": [4, 1], \"offset\": [0, 0]",
    "\"shape\": [9223372036854775807, 1], \"offset\": [9223372036854775806, 0]" },
  { "\"shape\": [4, 0], \"offset\": [0, 0]", "\"shape\": [4, 4611686018427387904], \"offset\": [0, 7]" },
  { "\"shape\": [3], \"offset\": [0]", "\"shape\": [6], \"offset\": [0]" },
};

static const Edit index_edits[] = {
  { "\"step\": \"7\"", "\"step\": \"8\"" },
  { "\"rank-00001\"", "\"rank-00000\"" },
  { "\"rank-00000\"", "\"../ranks-2/rank-00000\"" },
  { "\"ranks\": [", "\"states\": [], \"ranks\": [" },
  { "\"ranks\": [", "\"ranks\": [ null," },
  { "\"ranks\": [", "\"ranks\": 2, \"more\": [" },
  { "\"manifest\": \"", "\"manifest\": 1, \"m\": \"" },
};

/* Headers that are not what the format asks for, before eight bytes of data. */
static const char *const headers[] = {
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
  "\"data_offsets\":[2,6]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"U8\",\"shape\":[4],"
  "\"data_offsets\":[4,8]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,8]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,8]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}",
  "{\"a\":{\"dtype\":\"F64\",\"shape\":[9223372036854775807,0],\"data_offsets\":[0,0]},\"b\":{\"dtype\":"
  "\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}",
  "{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8],"
  "\"data_offsets\":[0,8]}}",
  "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]}}",
  "{ "
  "\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
  "{\"\\u0061\\u0000\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
  "{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
};

static char *
make_place (const char *directory, const char *target, const char *name)
{
  g_autofree char *parent = g_build_filename (directory, target, NULL);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);

  return g_build_filename (parent, name, NULL);
}

static void
write_seed (const char *directory, const char *target, const char *name, const char *data, gssize size)
{
  g_autofree char *path = make_place (directory, target, name);

  g_assert_true (g_file_set_contents (path, data, size, NULL));
}

/* Parts of a log that a writer may have left when it was killed. */
static void
write_logs (const char *directory)
{
  g_autofree char *store = g_build_filename (fuzz_get_directory (), "open.db", NULL);
  g_autofree char *path = g_strconcat (store, "-wal", NULL);
  g_autofree char *log = NULL;
  gsize size;

  fuzz_make_open_store (store);
  g_assert_true (g_file_get_contents (path, &log, &size, NULL));
  write_seed (directory, "run-store-log", "log", log, (gssize) size);
  write_seed (directory, "run-store-log", "cut-in-frame", log, (gssize) size - 100);
  write_seed (directory, "run-store-log", "cut-in-half", log, (gssize) size / 2);
  write_seed (directory, "run-store-log", "header", log, 32);
  /* The first salt is one more with every log that is begun over an older one. */
  log[19]++;
  log[20]++;
  write_seed (directory, "run-store-log", "older", log, (gssize) size);
}

/* The text may have zero bytes, at which GLib's functions stop. */
static GString *
replace (GString *text, const Edit edit, guint limit, guint *n_replaced)
{
  GString *edited = g_string_new (NULL);
  const char *at = text->str;
  const char *end = text->str + text->len;
  const char *place;

  while (*n_replaced < limit && (place = memmem (at, (gsize) (end - at), edit[0], strlen (edit[0]))) != NULL)
    {
      g_string_append_len (edited, at, place - at);
      g_string_append (edited, edit[1]);
      at = place + strlen (edit[0]);
      *n_replaced += 1;
    }

  return g_string_append_len (edited, at, end - at);
}

/* A text, and the text with each of the changes made to it: once, and wherever it can be. */
static void
write_edits (const char *directory, const char *name, GString *text, const Edit *list, guint n)
{
  write_seed (directory, "checkpoint", name, text->str, (gssize) text->len);

  for (guint i = 0; i < 2 * n; i++)
    {
      g_autofree char *edited_name = g_strdup_printf ("%s-%02u%s", name, i / 2, i % 2 > 0 ? "-all" : "");
      guint n_replaced = 0;
      g_autoptr (GString) edited = replace (text, list[i / 2], i % 2 > 0 ? G_MAXUINT : 1, &n_replaced);

      g_assert_cmpuint (n_replaced, >, 0);
      if (i % 2 == 0 || n_replaced > 1)
        write_seed (directory, "checkpoint", edited_name, edited->str, (gssize) edited->len);
    }
}

static GString *
read_manifest (const char *checkpoint)
{
  g_autofree char *path = g_build_filename (checkpoint, SNG_CHECKPOINT_MANIFEST, NULL);
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));

  return g_string_new_len (text, (gssize) length);
}

static void
write_manifest (const char *directory)
{
  g_autofree char *checkpoint = fuzz_make_checkpoint (fuzz_get_directory ());
  g_autoptr (GString) text = read_manifest (checkpoint);

  write_edits (directory, "manifest", text, edits, G_N_ELEMENTS (edits));
}

/* All manifests of the ranks as one input, and the index of two. */
static void
write_ranks (const char *directory)
{
  for (guint n_ranks = 1; n_ranks <= FUZZ_MAX_RANKS; n_ranks++)
    {
      g_autofree char *checkpoint = fuzz_make_ranks (fuzz_get_directory (), n_ranks);
      g_autofree char *name = g_path_get_basename (checkpoint);
      g_autoptr (GPtrArray) manifests = fuzz_read_ranks (checkpoint, n_ranks);
      g_autoptr (GString) all = g_string_new (NULL);
      g_autoptr (GString) index = read_manifest (checkpoint);

      for (guint rank = 0; rank < n_ranks; rank++)
        {
          const GString *manifest = manifests->pdata[rank];

          if (rank > 0)
            g_string_append_c (all, '\0');
          g_string_append_len (all, manifest->str, (gssize) manifest->len);
        }
      write_edits (directory, name, all, rank_edits, n_ranks > 1 ? G_N_ELEMENTS (rank_edits) : 0);
      if (n_ranks == 2)
        write_edits (directory, "index", index, index_edits, G_N_ELEMENTS (index_edits));
    }
}

static void
write_headers (const char *directory)
{
  for (guint i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      guint64 length = GUINT64_TO_LE (strlen (headers[i]));
      g_autofree char *name = g_strdup_printf ("header-%02u", i);
      g_autoptr (GString) file = g_string_new_len ((const char *) &length, sizeof length);

      g_string_append (file, headers[i]);
      g_string_append_len (file, "\0\1\2\3\4\5\6\7", 8);
      write_seed (directory, "safetensors", name, file->str, (gssize) file->len);
    }
}

/* Result files, with the number of their format before them. */
static const char *const contents[] = {
  "\1{\"a\": [1, 2.5, {\"b\": null}], \"c.d\": \"\\u00e9\", \"0\": true, \"\": NaN, \"big\": "
  "18446744073709551616}",
  "\2step,loss,\"a \"\"b\"\"\"\n1,0.5,x\r\n2,nan,\"y\nz\"",
};

int
main (int argc, char **argv)
{
  static const char plan[] =
      "{\"steps\": 20, \"stops\": \"7,12\", \"seed\": 42, \"command\": [\"sng\", \"a b\", \"\"],"
      " \"settings\": {\"precision\": \"32\"}, \"environment\": {\"sng\": \"0.1.0\", \"threads\": 2}}\0"
      "{\"verdict\": \"PASS\"}";
  static const char fasta[] = ">one\nMKTAYIAKQR\nQISFVK*\n\n>two\r\nacdx\r\n";
  g_autofree char *safetensors = NULL;
  g_autofree char *store = NULL;

  if (argc != 2)
    {
      g_printerr ("usage: fuzz-seeds DIRECTORY\n");
      return 2;
    }

  safetensors = make_place (argv[1], "safetensors", "tensors");
  fuzz_make_safetensors (safetensors);
  write_headers (argv[1]);
  write_manifest (argv[1]);
  write_ranks (argv[1]);
  store = make_place (argv[1], "run-store", "store");
  fuzz_make_run_store (store);
  write_logs (argv[1]);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *name = g_strdup_printf ("change-%02u", i);

      write_seed (argv[1], "run-store-sql", name, changes[i], -1);
    }
  write_seed (argv[1], "plan", "plan", plan, sizeof plan - 1);
  write_seed (argv[1], "fasta", "two", fasta, -1);
  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autofree char *name = g_strdup_printf ("file-%u", i);

      write_seed (argv[1], "contents", name, contents[i], -1);
    }
  sng_state_io_remove (fuzz_get_storage (), fuzz_get_directory (), NULL);

  return 0;
}
