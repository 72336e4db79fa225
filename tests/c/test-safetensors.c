/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "state-fixture.h"

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = fixture_make_tmp ();
  fixture->path = g_build_filename (fixture->directory, "a.safetensors", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fixture_remove (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static const SngDtype all_dtypes[] = {
  SNG_DTYPE_F64,     SNG_DTYPE_F32,         SNG_DTYPE_BF16,        SNG_DTYPE_F16,     SNG_DTYPE_I64,
  SNG_DTYPE_I32,     SNG_DTYPE_I16,         SNG_DTYPE_I8,          SNG_DTYPE_U8,      SNG_DTYPE_BOOL,
  SNG_DTYPE_U16,     SNG_DTYPE_U32,         SNG_DTYPE_U64,         SNG_DTYPE_F8_E4M3, SNG_DTYPE_F8_E5M2,
  SNG_DTYPE_F8_E8M0, SNG_DTYPE_F8_E4M3FNUZ, SNG_DTYPE_F8_E5M2FNUZ, SNG_DTYPE_C64,
};

static void
add (SngStateDict *state, const char *name, SngDtype dtype, guint n_dims, const gint64 *shape)
{
  g_autoptr (SngTensor) tensor = fixture_tensor (dtype, n_dims, shape);

  sng_state_dict_set_tensor (state, name, tensor);
}

/* The contents of data/safetensors/NAME.safetensors; generate.py there says the same. */
static SngStateDict *
build_reference (const char *name, GVariant **metadata)
{
  SngStateDict *state = sng_state_dict_new ();

  *metadata = NULL;
  if (g_str_equal (name, "dtypes"))
    {
      for (guint i = 0; i < G_N_ELEMENTS (all_dtypes); i++)
        {
          g_autofree char *lower = g_ascii_strdown (sng_dtype_get_name (all_dtypes[i]), -1);

          add (state, lower, all_dtypes[i], 2, (const gint64[]){ 2, 3 });
        }
      *metadata = g_variant_new_parsed ("{'format': 'pt'}");
    }
  else if (g_str_equal (name, "shapes"))
    {
      add (state, "scalar", SNG_DTYPE_F32, 0, NULL);
      add (state, "empty", SNG_DTYPE_F32, 1, (const gint64[]){ 0 });
      add (state, "hollow", SNG_DTYPE_I16, 3, (const gint64[]){ 2, 0, 3 });
      add (state, "one", SNG_DTYPE_BOOL, 1, (const gint64[]){ 1 });
      add (state, "deep", SNG_DTYPE_U8, 8, (const gint64[]){ 1, 2, 1, 2, 1, 2, 1, 2 });
    }
  else if (g_str_equal (name, "names"))
    {
      static const char *const names[] = {
        "b",     "a",    "B", "a.b", "a10", "a2", "quote\"back\\slash/", "\b\t\n\v\f\r\x01\x1f\x7f",
        "Größe", "日本", "𝄞",
      };

      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        add (state, names[i], SNG_DTYPE_I8, 1, (const gint64[]){ 1 });
      *metadata = g_variant_new_parsed ("{'schlüssel': 'a \"b\"\\n'}");
    }

  if (*metadata != NULL)
    g_variant_ref_sink (*metadata);

  return state;
}

static void
assert_same_tensors (SngStateDict *state, SngStateDict *expected)
{
  g_autoptr (GError) error = NULL;
  const char *name;

  g_assert_true (sng_state_dict_check_layout (state, expected, &error));
  g_assert_no_error (error);
  for (guint i = 0; (name = sng_state_dict_get_name (expected, i)) != NULL; i++)
    g_assert_true (sng_tensor_equal (sng_state_dict_lookup_tensor (state, name),
                                     sng_state_dict_lookup_tensor (expected, name)));
}

/* The files of the format's own implementation, byte by byte, there and back. */
static void
test_reference (Fixture *fixture, gconstpointer data)
{
  const char *name = data;
  g_autofree char *base = g_strconcat (name, ".safetensors", NULL);
  g_autofree char *reference = g_test_build_filename (G_TEST_DIST, "data", "safetensors", base, NULL);
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (GVariant) loaded_metadata = NULL;
  g_autoptr (SngStateDict) state = build_reference (name, &metadata);
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *written = NULL;
  g_autofree char *expected = NULL;
  gsize n_written, n_expected;

  g_assert_true (sng_safetensors_save (fixture->path, state, metadata, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (fixture->path, &written, &n_written, NULL));
  g_assert_true (g_file_get_contents (reference, &expected, &n_expected, NULL));
  g_assert_cmpmem (written, n_written, expected, n_expected);

  loaded = sng_safetensors_load (reference, &loaded_metadata, &error);
  g_assert_no_error (error);
  assert_same_tensors (loaded, state);
  g_assert_true ((metadata == NULL && loaded_metadata == NULL)
                 || g_variant_equal (metadata, loaded_metadata));
}

/* The tensors live on after the file is gone, and nobody can write to them. */
static void
test_mapping (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (SngStateDict) state = build_reference ("dtypes", &metadata);
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (sng_safetensors_save (fixture->path, state, NULL, &error));
  loaded = sng_safetensors_load (fixture->path, NULL, &error);
  g_assert_no_error (error);

  /* Replaced, not written to in place. */
  sng_state_dict_remove (state, "f64");
  g_assert_true (sng_safetensors_save (fixture->path, state, NULL, &error));

  tensor = g_object_ref (sng_state_dict_lookup_tensor (loaded, "f64"));
  g_clear_object (&loaded);
  g_assert_true (sng_tensor_is_read_only (tensor));
  g_assert_cmpint (((const guint8 *) sng_tensor_get_data (tensor))[47], ==, (37 * 47 + 11) & 255);
}

static void
test_strided (Fixture *fixture, gconstpointer data)
{
  const gint64 shape[] = { 4, 6 }, transposed_shape[] = { 6, 4 }, transposed_strides[] = { 1, 6 };
  g_autoptr (SngTensor) base = fixture_tensor (SNG_DTYPE_I16, 2, shape);
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) view =
      sng_tensor_new_view (base, 0, transposed_shape, 2, transposed_strides, 2, &error);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  g_autoptr (SngStateDict) loaded = NULL;
  SngTensor *tensor;

  g_assert_no_error (error);
  g_assert_false (sng_tensor_is_contiguous (view));
  sng_state_dict_set_tensor (state, "view", view);
  g_assert_true (sng_safetensors_save (fixture->path, state, NULL, &error));
  loaded = sng_safetensors_load (fixture->path, NULL, &error);
  g_assert_no_error (error);

  tensor = sng_state_dict_lookup_tensor (loaded, "view");
  g_assert_true (sng_tensor_is_contiguous (tensor));
  g_assert_true (sng_tensor_equal (tensor, view));
}

static void
test_save_refuses (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (SngStateDict) state = build_reference ("shapes", &metadata);
  g_autofree char *nowhere = g_build_filename (fixture->directory, "nowhere", "a.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) directory = NULL;

  g_assert_false (sng_safetensors_save (nowhere, state, NULL, &error));
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, "nowhere");
  g_assert_false (sng_safetensors_save (fixture->directory, state, NULL, &error));
  fixture_assert_error (error, SNG_ERROR_IO, fixture->directory);

  sng_state_dict_set_int64 (state, "step", 7);
  g_assert_false (sng_safetensors_save (fixture->path, state, NULL, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "[safetensors][save] 'step' is a value");
  sng_state_dict_remove (state, "step");
  add (state, "__metadata__", SNG_DTYPE_F32, 0, NULL);
  g_assert_false (sng_safetensors_save (fixture->path, state, NULL, &error));
  fixture_assert_error (error, SNG_ERROR_INVALID_ARGUMENT, "[safetensors][save] '__metadata__'");

  /* Nothing is left behind. */
  directory = g_dir_open (fixture->directory, 0, NULL);
  g_assert_null (g_dir_read_name (directory));
}

/* A header with this text and as many bytes of data. */
static void
write_file (const char *path, const char *header, gsize n_header, gsize n_data)
{
  g_autoptr (GByteArray) contents = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE (n_header);

  g_byte_array_append (contents, (const guint8 *) &length, sizeof length);
  g_byte_array_append (contents, (const guint8 *) header, n_header);
  for (gsize i = 0; i < n_data; i++)
    g_byte_array_append (contents, (const guint8 *) &(guint8){ 37 * i + 11 }, 1);
  fixture_write (path, (const char *) contents->data, contents->len);
}

/* One tensor 'a' of 8 bytes. */
#define A(dtype, shape, offsets)                                                                             \
 "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define T(name, shape, offsets)                                                                              \
 "\"" name "\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

/* A good tensor with one more member. */
#define X(value) "{\"a\":{\"x\":" value ",\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}"

static const struct
{
  const char *header;
  gsize n_data;
  const char *words;
} malformed[] = {
  /* not JSON, or more than JSON */
  { "", 0, "header: the JSON object does not end at byte 0" },
  { "[]", 0, "header: not a JSON object at byte 0" },
  { "null", 0, "not a JSON object" },
  { "{", 0, "does not end at byte 1" },
  { "{}{}", 0, "something follows the JSON object at byte 2" },
  { "{} x", 0, "something follows the JSON object at byte 3" },
  { "{/**/}", 0, "not JSON at byte 1" },
  { "var a = {}", 0, "not a JSON object" },
  { "\f{}", 0, "not a JSON object" },
  { "\xef\xbb\xbf{}", 0, "not a JSON object" },
  { "{\"a\"}", 0, "not JSON at byte 4" },
  { "{\"a\" \"b\"}", 0, "not JSON at byte 5" },
  { "{a:1}", 0, "not JSON at byte 1" },
  { "{,}", 0, "not JSON at byte 1" },
  { "{\"__metadata__\":{}]", 0, "not JSON at byte 18" },
  { "{\"__metadata__\":{},}", 0, "not JSON at byte 19" },
  { "{\"a\xff\":1}", 0, "header: not UTF-8 text at byte 3" },
  { "{\"a\n\":1}", 0, "a malformed JSON string at byte 1" },
  { "{\"\\x\":1}", 0, "a malformed JSON string" },
  { "{\"\\u00\":1}", 0, "a malformed JSON string" },
  { "{\"\\ud800\":1}", 0, "a malformed JSON string" },
  { "{\"\\udc00\\ud800\":1}", 0, "a malformed JSON string" },
  { "{\"\\ud800\\u0041\":1}", 0, "a malformed JSON string" },
  { "{\"a", 0, "a malformed JSON string at byte 1" },
  /* and so in a member that nobody asked for */
  { X ("tru"), 8, "header: not JSON at byte 10" },
  { X (""), 8, "header: not JSON" },
  { "{\"a\":{\"x\":", 8, "header: the JSON object does not end at byte 10" },
  { X ("+1"), 8, "header: not JSON" },
  { X ("01"), 8, "header: a malformed number" },
  { X ("-"), 8, "header: a malformed number" },
  { X ("1."), 8, "header: a malformed number" },
  { X ("1e"), 8, "header: a malformed number" },
  { X ("0x1"), 8, "header: not JSON" },
  { X ("NaN"), 8, "header: not JSON" },
  { X ("1e999"), 8, "header: a number out of range" },
  { X ("[1,]"), 8, "header: not JSON" },
  { X ("[1 2]"), 8, "header: not JSON" },
  { X ("[1}"), 8, "header: not JSON" },
  { X ("{1:2}"), 8, "header: not JSON" },
  { X ("{\"a\":2,}"), 8, "header: not JSON" },
  { X ("\"\t\""), 8, "header: a malformed JSON string" },
  { X ("\"\\ud800\""), 8, "header: a malformed JSON string" },
  /* names */
  { "{" T ("a", "[4]", "[0,4]") "," T ("a", "[4]", "[4,8]") "}", 8, "'a' is there twice" },
  { "{" T ("a", "[8]", "[0,8]") "," T ("\\u0061", "[8]", "[0,8]") "}", 8, "'a' is there twice" },
  { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", 8,
    "tensor 'a': 'dtype' is there twice" },
  { "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "'k' in '__metadata__' is there twice" },
  { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' is there twice" },
  { "{\"__metadata__\":null,\"__metadata__\":{}}", 0, "'__metadata__' is there twice" },
  /* metadata */
  { "{\"__metadata__\":[]}", 0, "'__metadata__' is not an object" },
  { "{\"__metadata__\":nul}", 0, "'__metadata__' is not an object" },
  { "{\"__metadata__\":{\"k\":1}}", 0, "'k' in '__metadata__' is not a string" },
  { "{\"__metadata__\":{\"k\":null}}", 0, "'k' in '__metadata__' is not a string" },
  { "{" T ("__metadata__", "[8]", "[0,8]") "}", 8, "'shape' in '__metadata__' is not a string" },
  /* what a tensor is made of */
  { "{\"a\":7}", 0, "tensor 'a': is not described by an object" },
  { "{\"a\":null}", 0, "tensor 'a': is not described by an object" },
  { "{\"a\":[\"U8\",[8],[0,8]]}", 8, "tensor 'a': is not described by an object" },
  { "{\"a\":{}}", 0, "tensor 'a': has no dtype" },
  { "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,8]}}", 8, "tensor 'a': has no shape" },
  { "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"offsets\":[0,8]}}", 8, "tensor 'a': has no data_offsets" },
  { A ("8", "[8]", "[0,8]"), 8, "tensor 'a': dtype is not a string" },
  { A ("\"X8\"", "[8]", "[0,8]"), 8, "tensor 'a': unknown dtype 'X8'" },
  { A ("\"u8\"", "[8]", "[0,8]"), 8, "tensor 'a': unknown dtype 'u8'" },
  { A ("\"U8\\u0000\"", "[8]", "[0,8]"), 8, "tensor 'a': unknown dtype" },
  { A ("\"U8\"", "8", "[0,8]"), 8, "tensor 'a': shape is not an array" },
  { A ("\"U8\"", "[-8]", "[0,8]"), 8, "tensor 'a': dimension 0 of the shape is not a whole number" },
  { A ("\"U8\"", "[-0]", "[0,0]"), 0, "tensor 'a': dimension 0 of the shape is not a whole number" },
  { A ("\"U8\"", "[2,4.0]", "[0,8]"), 8, "tensor 'a': dimension 1 of the shape is not a whole number" },
  { A ("\"U8\"", "[2,4e0]", "[0,8]"), 8, "tensor 'a': dimension 1 of the shape is not a whole number" },
  { A ("\"U8\"", "[8,null]", "[0,8]"), 8, "tensor 'a': dimension 1 of the shape is not a whole number" },
  { A ("\"U8\"", "[08]", "[0,8]"), 8, "tensor 'a': dimension 0 of the shape is not a whole number" },
  { A ("\"U8\"", "[18446744073709551616]", "[0,8]"), 8, "dimension 0 of the shape is not a whole number" },
  { A ("\"U8\"", "[184467440737095516150]", "[0,8]"), 8, "dimension 0 of the shape is not a whole number" },
  { A ("\"U8\"", "[4294967296,4294967296]", "[0,8]"), 8, "the shape overflows at dimension 1, 4294967296" },
  { A ("\"F64\"", "[2305843009213693953]", "[0,8]"), 8, "tensor 'a': dtype and shape ask for" },
  { A ("\"U8\"", "[4294967296,4294967296,0]", "[0,0]"), 0, "the shape overflows at dimension 1" },
  /* where it lies */
  { A ("\"U8\"", "[8]", "[0]"), 8, "tensor 'a': data_offsets are not two whole numbers" },
  { A ("\"U8\"", "[8]", "[0,8,8]"), 8, "tensor 'a': data_offsets are not two whole numbers" },
  { A ("\"U8\"", "[8]", "[-1,7]"), 8, "tensor 'a': data_offsets are not two whole numbers" },
  { A ("\"U8\"", "[8]", "[8,0]"), 8, "tensor 'a': ends at offset 0, before its begin at 8" },
  { A ("\"U8\"", "[8]", "[0,8]"), 7, "tensor 'a': ends at offset 8, but the data has 7 bytes" },
  { A ("\"U8\"", "[7]", "[0,8]"), 8, "tensor 'a': dtype and shape ask for 7 bytes, the offsets for 8" },
  { A ("\"F64\"", "[8]", "[0,8]"), 8, "tensor 'a': dtype and shape ask for 64 bytes, the offsets for 8" },
  { A ("\"U8\"", "[8]", "[0,8]"), 9,
    "1 bytes follow the last tensor: the data has 9 bytes, the tensors end at 8" },
  { "{}", 1, "1 bytes follow the last tensor" },
  { A ("\"U8\"", "[7]", "[1,8]"), 8,
    "tensor 'a': begins at offset 1, which leaves a hole: the data before it ends at 0" },
  { "{" T ("a", "[4]", "[0,4]") "," T ("b", "[3]", "[5,8]") "}", 8,
    "tensor 'b': begins at offset 5, which leaves a hole" },
  { "{" T ("a", "[5]", "[0,5]") "," T ("b", "[4]", "[4,8]") "}", 8,
    "tensor 'b': begins at offset 4, which leaves an overlap" },
  { "{" T ("b", "[8]", "[0,8]") "," T ("a", "[8]", "[0,8]") "}", 8,
    "tensor 'a': begins at offset 0, which leaves" },
};

static void
test_malformed (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (malformed); i++)
    {
      g_autoptr (GVariant) metadata = NULL;
      g_autoptr (SngStateDict) loaded = NULL;
      g_autoptr (GError) error = NULL;

      write_file (fixture->path, malformed[i].header, strlen (malformed[i].header), malformed[i].n_data);
      loaded = sng_safetensors_load (fixture->path, &metadata, &error);
      if (loaded != NULL)
        g_error ("%s was taken", malformed[i].header);
      g_assert_null (metadata);
      g_assert_nonnull (strstr (error->message, fixture->path));
      fixture_assert_error (error, SNG_ERROR_INVALID_DATA, malformed[i].words);
    }
}

static void
assert_refused (const char *path, const void *contents, gsize n_bytes, const char *words)
{
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GError) error = NULL;

  fixture_write (path, contents, n_bytes);
  loaded = sng_safetensors_load (path, NULL, &error);
  g_assert_null (loaded);
  fixture_assert_error (error, SNG_ERROR_INVALID_DATA, words);
}

static void
test_malformed_length (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GError) error = NULL;

  assert_refused (fixture->path, "", 0, "0 bytes are too few");
  assert_refused (fixture->path, "\2\0\0\0\0\0\0", 7, "7 bytes are too few");
  assert_refused (fixture->path, "\2\0\0\0\0\0\0\0{", 9, "the header should have 2 bytes, but only 1 follow");
  assert_refused (fixture->path, "\1\341\365\5\0\0\0\0{}", 10,
                  "a header of 100000001 bytes is above the limit of 100000000");
  assert_refused (fixture->path, "\377\377\377\377\377\377\377\377{}", 10,
                  "18446744073709551615 bytes is above");
  assert_refused (fixture->path, "\0\0\0\0\0\0\0\0", 8, "the JSON object does not end");
  assert_refused (fixture->path, "\3\0\0\0\0\0\0\0{}\0", 11, "not UTF-8 text at byte 2");

  loaded = sng_safetensors_load (fixture->directory, NULL, &error);
  g_assert_null (loaded);
  fixture_assert_error (error, SNG_ERROR_IO, fixture->directory);
  g_free (g_steal_pointer (&fixture->path));
  fixture->path = g_build_filename (fixture->directory, "nobody", NULL);
  loaded = sng_safetensors_load (fixture->path, NULL, &error);
  g_assert_null (loaded);
  fixture_assert_error (error, SNG_ERROR_NOT_FOUND, fixture->path);
}

/* What the format has and a tensor has not. */
static void
test_not_supported (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *header;
    const char *words;
  } cases[] = {
    { A ("\"F4\"", "[16]", "[0,8]"),
      "tensor 'a': dtype 'F4' is not supported: its elements do not fill whole bytes" },
    { A ("\"F6_E2M3\"", "[10]", "[0,8]"), "tensor 'a': dtype 'F6_E2M3' is not supported" },
    { A ("\"F6_E3M2\"", "[10]", "[0,8]"), "tensor 'a': dtype 'F6_E3M2' is not supported" },
    { "{" T ("", "[8]", "[0,8]") "}", "header: a tensor without a name is not supported" },
    { "{" T ("a\\u0000", "[8]", "[0,8]") "}", "header: a string with a zero character, before byte 11" },
    { "{\"__metadata__\":{\"\\u0000\":\"\"}," T ("a", "[8]", "[0,8]") "}", "header: a string with a zero" },
    { "{\"__metadata__\":{\"k\":\"\\u0000\"}," T ("a", "[8]", "[0,8]") "}", "header: a string with a zero" },
    { "{" T ("a", "[8]", "[0,8]") "," T ("b", "[18446744073709551615,0]", "[8,8]") "}",
      "tensor 'b': dimension 0, 18446744073709551615, is above" },
    { "{" T ("a", "[8]", "[0,8]") "," T ("b", "[0,4294967296,4294967296]", "[8,8]") "}",
      "tensor 'b': [tensor][shape] U8 [0, 4294967296, 4294967296] needs more bytes" },
    { A ("\"U8\"", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,8]", "[0,8]"),
      "tensor 'a'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SngStateDict) loaded = NULL;
      g_autoptr (GError) error = NULL;

      write_file (fixture->path, cases[i].header, strlen (cases[i].header), 8);
      loaded = sng_safetensors_load (fixture->path, NULL, &error);
      g_assert_null (loaded);
      fixture_assert_error (error, SNG_ERROR_NOT_SUPPORTED, cases[i].words);
    }
}

/* What other writers may do: any order, any white space, escapes, members of their own, and data at odd offsets. */
static void
test_foreign (Fixture *fixture, gconstpointer data)
{
  const char *header = " {\r\n\t\"b\\u00e9\\ud834\\udd1e\\b\\f\\n\\r\\t\\\"\\\\\\/\" : "
                       "{\"data_offsets\":[1,17],\"shape\" : [ 2 ],\"dtype\":\"F\\u00364\"},"
                       "\"a\":{\"dtype\":\"U8\",\"x\":[1,{\"dtype\":3,\"a\":null,\"a\":true},-1.5E+3,"
                       "\"\\u0000\",[],{}],\"shape\":[1],"
                       "\"data_offsets\":[0,1],\"\":123456789012345678901234567890,\"dtype\\u0000\":false},"
                       "\"__metadata__\":{\"\":\"\",\"k\":\"\\u00e9\"},"
                       "\"e\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807],\"data_offsets\":[1,1]}} ";
  const char *name = "bé𝄞\b\f\n\r\t\"\\/";
  g_autoptr (SngStateDict) loaded = NULL;
  g_autoptr (GVariant) metadata = NULL;
  g_autoptr (GVariant) expected_metadata = g_variant_ref_sink (g_variant_new_parsed ("{'':'','k':'é'}"));
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) names = NULL;
  SngTensor *tensor;
  guint8 expected[16];
  const gint64 *shape;
  guint n_dims;

  write_file (fixture->path, header, strlen (header), 17);
  loaded = sng_safetensors_load (fixture->path, &metadata, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (metadata, expected_metadata));
  names = sng_state_dict_dup_names (loaded);
  g_assert_cmpstrv (names, ((const char *[]){ "a", "e", name, NULL }));

  tensor = sng_state_dict_lookup_tensor (loaded, name);
  g_assert_cmpint (sng_tensor_get_dtype (tensor), ==, SNG_DTYPE_F64);
  for (guint i = 0; i < sizeof expected; i++)
    expected[i] = (guint8) (37 * (i + 1) + 11);
  g_assert_cmpuint ((guintptr) sng_tensor_get_data (tensor) % 8, ==, 0);
  g_assert_cmpmem (sng_tensor_get_data (tensor), 16, expected, 16);

  shape = sng_tensor_get_shape (sng_state_dict_lookup_tensor (loaded, "e"), &n_dims);
  g_assert_cmpuint (n_dims, ==, 2);
  g_assert_true (shape[0] == 0 && shape[1] == G_MAXINT64);
}

/* No metadata, none in it, and null are three ways to have none. */
static void
test_metadata (Fixture *fixture, gconstpointer data)
{
  static const char *const headers[] = { "{}", "{\"__metadata__\":null}", "{\"__metadata__\":{}}" };

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (SngStateDict) loaded = NULL;
      g_autoptr (GVariant) metadata = NULL;
      g_autoptr (GError) error = NULL;

      write_file (fixture->path, headers[i], strlen (headers[i]), 0);
      loaded = sng_safetensors_load (fixture->path, &metadata, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (sng_state_dict_get_n_items (loaded), ==, 0);
      g_assert_true (i < 2 ? metadata == NULL : g_variant_n_children (metadata) == 0);
    }
}

/* Values within each other: as many as the other reader takes, not one more, and a million do no harm. */
static void
test_depth (Fixture *fixture, gconstpointer data)
{
  static const guint depths[] = { 1, 125, 126, 1000000 };

  for (guint i = 0; i < G_N_ELEMENTS (depths); i++)
    {
      g_autofree char *open = g_strnfill (depths[i], '[');
      g_autofree char *close = g_strnfill (depths[i], ']');
      g_autofree char *header = g_strconcat (
          "{\"a\":{\"x\":", open, close, ",\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", NULL);
      g_autoptr (SngStateDict) loaded = NULL;
      g_autoptr (GError) error = NULL;

      write_file (fixture->path, header, strlen (header), 8);
      loaded = sng_safetensors_load (fixture->path, NULL, &error);
      if (depths[i] <= 125)
        g_assert_no_error (error);
      else
        fixture_assert_error (error, SNG_ERROR_INVALID_DATA, "header: JSON nested too deep at byte 135");
    }
}

static void
put_byte (int fd, gsize at, char byte)
{
  g_assert_cmpint (pwrite (fd, &byte, 1, (off_t) at), ==, 1);
}

/* No wrong bit crashes the reader, and none in the length of the header and no cut goes unseen. */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autofree char *reference =
      g_test_build_filename (G_TEST_DIST, "data", "safetensors", "shapes.safetensors", NULL);
  g_autofree char *contents = NULL;
  gsize length;
  int fd;

  g_assert_true (g_file_get_contents (reference, &contents, &length, NULL));
  fixture_write (fixture->path, contents, length);
  fd = g_open (fixture->path, O_WRONLY | O_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);

  for (gsize i = 0; i < length; i++)
    {
      for (guint bit = 0; bit < 8; bit++)
        {
          g_autoptr (SngStateDict) loaded = NULL;
          g_autoptr (GError) error = NULL;

          put_byte (fd, i, (char) (contents[i] ^ (1 << bit)));
          loaded = sng_safetensors_load (fixture->path, NULL, &error);
          g_assert_true ((loaded == NULL) == (error != NULL));
          if (i < 8)
            g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
        }
      put_byte (fd, i, contents[i]);
    }

  for (gsize i = length; i > 0; i--)
    {
      g_autoptr (SngStateDict) loaded = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (ftruncate (fd, (off_t) i - 1), ==, 0);
      loaded = sng_safetensors_load (fixture->path, NULL, &error);
      g_assert_null (loaded);
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
    }
  g_assert_true (g_close (fd, NULL));
}

#define ADD(path, function, data)                                                                            \
 g_test_add ("/sng/safetensors/" path, Fixture, data, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("reference/dtypes", test_reference, "dtypes");
  ADD ("reference/shapes", test_reference, "shapes");
  ADD ("reference/names", test_reference, "names");
  ADD ("reference/none", test_reference, "none");
  ADD ("mapping", test_mapping, NULL);
  ADD ("strided", test_strided, NULL);
  ADD ("save-refuses", test_save_refuses, NULL);
  ADD ("malformed", test_malformed, NULL);
  ADD ("malformed-length", test_malformed_length, NULL);
  ADD ("not-supported", test_not_supported, NULL);
  ADD ("foreign", test_foreign, NULL);
  ADD ("metadata", test_metadata, NULL);
  ADD ("depth", test_depth, NULL);
  ADD ("damaged", test_damaged, NULL);

  return g_test_run ();
}
