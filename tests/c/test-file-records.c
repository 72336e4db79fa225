/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a result file holds is compared, and not how it is written down. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "file-records-fixture.h"
#include "record/sng-file-contents-private.h"

static void
test_bytes (FileRecords *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries = file_records_record_data (fixture, "a.bin", "abc\0def", 7);
  g_autoptr (GPtrArray) empty = file_records_record_data (fixture, "b.bin", "", 0);
  g_autoptr (GPtrArray) no_suffix = file_records_record_data (fixture, "ajson", "{}", 2);

  g_assert_cmpuint (entries->len, ==, 1);
  file_records_assert_tensor (entries, "", SNG_DTYPE_U8, (gint64[]){ 7 }, 1);
  file_records_assert_tensor (empty, "", SNG_DTYPE_U8, (gint64[]){ 0 }, 1);
  file_records_assert_tensor (no_suffix, "", SNG_DTYPE_U8, (gint64[]){ 2 }, 1);

  g_assert_null (file_records_compare (fixture, "c.txt", "same", "same"));
  g_assert_cmpstr (file_records_compare (fixture, "c.txt", "same", "sama"), ==, "");
  g_assert_cmpstr (file_records_compare (fixture, "c.txt", "same", "same\n"), ==, "");
}

static void
test_safetensors (FileRecords *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) entries =
      file_records_record_reference (fixture, "safetensors", "dtypes.safetensors");
  g_autoptr (GPtrArray) damaged = NULL;
  g_autoptr (GPtrArray) changed = NULL;
  g_autofree char *path =
      g_test_build_filename (G_TEST_DIST, "data", "safetensors", "dtypes.safetensors", NULL);
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_cmpuint (entries->len, ==, 20);
  file_records_assert_tensor (entries, "bf16", SNG_DTYPE_BF16, (gint64[]){ 2, 3 }, 2);
  file_records_assert_value (entries, "__metadata__.format", "'pt'");

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  contents[length - 1] ^= 1;
  changed = file_records_record_data (fixture, "changed.SafeTensors", contents, (gssize) length);
  g_assert_nonnull (file_records_find_difference (entries, changed));
  g_assert_cmpuint (changed->len, ==, entries->len);
  g_assert_null (file_records_find_difference (changed, changed));

  damaged = file_records_record_data (fixture, "damaged.safetensors", contents, (gssize) length - 1);
  file_records_assert_not_parsed (damaged, "bytes", (gint64) length - 1);
}

/* NumPy's own files. */
static void
test_npy (FileRecords *fixture, gconstpointer data)
{
  static const char *const same[] = { "matrix-2.npy", "matrix-3.npy", "matrix-fortran.npy" };
  static const char *const others[] = { "matrix-big-endian.npy", "objects.npy", "structured.npy" };
  static const gint64 sizes[] = { 152, 297, 152 };
  static const char *const reasons[] = { ">f4", "|O", "no plain numbers" };
  g_autoptr (GPtrArray) matrix = file_records_record_reference (fixture, "npy", "matrix-1.npy");
  g_autoptr (GPtrArray) scalar = file_records_record_reference (fixture, "npy", "scalar.npy");
  g_autoptr (GPtrArray) empty = file_records_record_reference (fixture, "npy", "empty.npy");
  g_autoptr (GPtrArray) complex = file_records_record_reference (fixture, "npy", "complex.npy");
  double minimum, maximum;

  g_assert_cmpuint (matrix->len, ==, 1);
  file_records_assert_tensor (matrix, "", SNG_DTYPE_F32, (gint64[]){ 2, 3 }, 2);
  sng_metadata_get_summary (matrix->pdata[0], &minimum, &maximum, NULL, NULL);
  g_assert_cmpfloat (maximum, ==, 5.0f / 7.0f);
  file_records_assert_tensor (scalar, "", SNG_DTYPE_I64, NULL, 0);
  sng_metadata_get_summary (scalar->pdata[0], &minimum, NULL, NULL, NULL);
  g_assert_cmpfloat (minimum, ==, 7.0);
  file_records_assert_tensor (empty, "", SNG_DTYPE_BOOL, (gint64[]){ 3, 0, 2 }, 3);
  file_records_assert_tensor (complex, "", SNG_DTYPE_C64, (gint64[]){ 2 }, 1);

  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    {
      g_autoptr (GPtrArray) other = file_records_record_reference (fixture, "npy", same[i]);

      g_assert_cmpstr (file_records_find_difference (matrix, other), ==, NULL);
    }
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GPtrArray) other = file_records_record_reference (fixture, "npy", others[i]);

      file_records_assert_not_parsed (other, reasons[i], sizes[i]);
    }
}

static GPtrArray *
record_npy (FileRecords *fixture, const char *header, gsize n_bytes)
{
  g_autoptr (GString) file = g_string_new_len ("\x93NUMPY\1\0", 8);

  g_string_append_c (file, (char) strlen (header));
  g_string_append_c (file, 0);
  g_string_append (file, header);
  for (gsize i = 0; i < n_bytes; i++)
    g_string_append_c (file, (char) i);

  return file_records_record_data (fixture, "a.npy", file->str, (gssize) file->len);
}

static void
test_npy_headers (FileRecords *fixture, gconstpointer data)
{
  static const struct
  {
    const char *header;
    gsize n_bytes;
    gboolean good;
  } cases[] = {
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, TRUE },
    { "{\"shape\":(3),\"fortran_order\":True,\"descr\":\"<f4\"}\n", 12, TRUE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3L,)}", 12, TRUE },
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 0, 5)}", 0, TRUE },
    { "{'descr': '>i1', 'fortran_order': False, 'shape': (3,)}", 3, TRUE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 11, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 13, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} 1", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}", 48, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': 3}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': 1, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False}", 12, FALSE },
    { "{'descr': '<f4', 'shape': (3,)}", 12, FALSE },
    { "{'fortran_order': False, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1}", 12, FALSE },
    { "{'descr': '', 'fortran_order': False, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<c\2148', 'fortran_order': False, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<f4, 'fortran_order': False, 'shape': (3,)}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}", 12, FALSE },
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (9223372036854775807, 9223372036854775807)}", 12,
      FALSE },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': "
      "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
      4, FALSE },
    { "", 0, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) entries = record_npy (fixture, cases[i].header, cases[i].n_bytes);
      g_autofree char *escaped = g_strescape (cases[i].header, NULL);

      g_test_message ("%s", escaped);
      if (cases[i].good)
        g_assert_cmpuint (entries->len, ==, 1);
      else
        file_records_assert_not_parsed (entries, "",
                                        (gint64) (10 + strlen (cases[i].header) + cases[i].n_bytes));
    }

  for (gssize n = 0; n < 20; n++)
    {
      g_autoptr (GPtrArray) cut =
          file_records_record_data (fixture, "a.npy", "\x93NUMPY\2\0\x40\0\0\0{'descr'", n);

      file_records_assert_not_parsed (cut, "not a .npy array", n);
    }
}

static void
test_too_large (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *path = file_records_write_file (fixture, "a.json", "", 0);
  g_autoptr (GPtrArray) entries = NULL;

  g_assert_cmpint (truncate (path, (off_t) SNG_FILE_CONTENTS_MAX_TEXT + 1), ==, 0);
  entries = file_records_record (fixture, path, NULL);
  file_records_assert_not_parsed (entries, "larger than 256 MiB", (gint64) SNG_FILE_CONTENTS_MAX_TEXT + 1);
}

static void
assert_refused (FileRecords *fixture, const char *name, SngError code, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

  g_assert_null (file_records_record (fixture, path, &error));
  g_assert_error (error, SNG_ERROR, (int) code);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, "[record][file] "));
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_no_file (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *directory = g_build_filename (fixture->directory, "a.json", NULL);
  g_autofree char *pipe = g_build_filename (fixture->directory, "pipe", NULL);

  g_assert_cmpint (g_mkdir (directory, 0700), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);

  assert_refused (fixture, "a.json", SNG_ERROR_NOT_SUPPORTED, "a directory, not a file");
  assert_refused (fixture, "pipe", SNG_ERROR_NOT_SUPPORTED, "a pipe");
  assert_refused (fixture, "none", SNG_ERROR_NOT_FOUND, "No such file");
}

static void
test_links (FileRecords *fixture, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (fixture->directory, "out", NULL);
  g_autofree char *outside = file_records_write_file (fixture, "outside.json", "1", -1);
  g_autofree char *inside = NULL;
  g_autofree char *latest = g_build_filename (folder, "latest.json", NULL);
  g_autofree char *far = g_build_filename (folder, "far.json", NULL);
  g_autofree char *lost = g_build_filename (folder, "lost.json", NULL);
  g_autofree char *place = g_build_filename (folder, "place.json", NULL);
  g_autofree char *neighbour = g_build_filename (fixture->directory, "outer", NULL);
  g_autoptr (GPtrArray) entries = NULL;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (neighbour, 0700), ==, 0);
  inside = file_records_write_file (fixture, "out/step-7.json", "{\"a\": 1}", -1);
  g_free (g_steal_pointer (&outside));
  outside = file_records_write_file (fixture, "outer/a.json", "1", -1);
  g_assert_cmpint (symlink ("step-7.json", latest), ==, 0);
  g_assert_cmpint (symlink ("../outer/a.json", far), ==, 0);
  g_assert_cmpint (symlink ("gone", lost), ==, 0);
  g_assert_cmpint (symlink (".", place), ==, 0);

  entries = file_records_record (fixture, latest, NULL);
  g_assert_nonnull (entries);
  g_assert_cmpuint (entries->len, ==, 2);
  file_records_assert_value (entries, "a", "int64 1");
  file_records_assert_value (entries, ".link", "'step-7.json'");

  assert_refused (fixture, "out/far.json", SNG_ERROR_NOT_SUPPORTED, "outer/a.json, out of its directory");
  assert_refused (fixture, "out/lost.json", SNG_ERROR_NOT_FOUND, "leads nowhere");
  assert_refused (fixture, "out/place.json", SNG_ERROR_NOT_SUPPORTED, "out of its directory");
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *path;
    void (*test) (FileRecords *, gconstpointer);
  } tests[] = {
    { "/sng/file-records/bytes", test_bytes },
    { "/sng/file-records/safetensors", test_safetensors },
    { "/sng/file-records/npy", test_npy },
    { "/sng/file-records/npy/headers", test_npy_headers },
    { "/sng/file-records/too-large", test_too_large },
    { "/sng/file-records/no-file", test_no_file },
    { "/sng/file-records/links", test_links },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, FileRecords, NULL, file_records_set_up, tests[i].test, file_records_tear_down);

  return g_test_run ();
}
