/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>
#include <sng.h>
#include <xxhash.h>
#include "cpu/sng-cpu-blocks-private.h"
#include "tensor/sng-device-private.h"

#define N_DTYPES (SNG_DTYPE_C64 + 1)
#define BLOCK SNG_FINGERPRINT_BLOCK_SIZE

/* Byte i of the test vectors in docs/fingerprint.md. */
static guint8
pattern (gsize i)
{
  return (guint8) ((i * i + 7 * i + 3) % 251);
}

static SngTensor *
new_tensor (SngDtype dtype, const gint64 *shape, guint n_dims, SngDevice *device)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new (dtype, shape, n_dims, device, &error);
  guint8 *data;

  g_assert_no_error (error);
  data = sng_tensor_get_data (tensor);
  for (gsize i = 0; i < sng_tensor_get_n_bytes (tensor); i++)
    data[i] = pattern (i);
  return tensor;
}

static SngTensor *
new_bytes (gint64 n)
{
  return new_tensor (SNG_DTYPE_U8, &n, 1, NULL);
}

static void
assert_fingerprint (SngTensor *tensor, const char *expected)
{
  g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (tensor);
  g_autofree char *text = sng_fingerprint_to_string (fingerprint);

  g_assert_cmpstr (text, ==, expected);
}

static gboolean
same (SngTensor *a, SngTensor *b)
{
  g_autoptr (SngFingerprint) first = sng_tensor_compute_fingerprint (a);
  g_autoptr (SngFingerprint) second = sng_tensor_compute_fingerprint (b);

  return sng_fingerprint_equal (first, second);
}

static void
test_string (void)
{
  static const char *bad[] = { "",
                               "0",
                               "0123456789abcdef0123456789abcde",
                               "0123456789abcdef0123456789abcdef0",
                               "0123456789abcdef0123456789abcdeg",
                               " 123456789abcdef0123456789abcdef" };
  const char *digits = "0123456789abcdef00000000000000ff";
  g_autoptr (SngFingerprint) a = sng_fingerprint_new_from_string (digits, NULL);
  g_autoptr (SngFingerprint) b = sng_fingerprint_new_from_string ("0123456789ABCDEF00000000000000FF", NULL);
  g_autoptr (SngFingerprint) c = sng_fingerprint_new_from_string ("1123456789abcdef00000000000000ff", NULL);
  g_autoptr (SngFingerprint) d = sng_fingerprint_new_from_string ("0123456789abcdef00000000000000fe", NULL);
  g_autoptr (SngFingerprint) copy = g_boxed_copy (SNG_TYPE_FINGERPRINT, a);
  g_autofree char *text = sng_fingerprint_to_string (copy);

  g_assert_cmpstr (text, ==, digits);
  g_assert_cmphex (a->high, ==, G_GUINT64_CONSTANT (0x0123456789abcdef));
  g_assert_cmphex (a->low, ==, 0xff);
  g_assert_true (sng_fingerprint_equal (a, b));
  g_assert_false (sng_fingerprint_equal (a, c));
  g_assert_false (sng_fingerprint_equal (a, d));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sng_fingerprint_new_from_string (bad[i], &error));
      g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA);
      g_assert_true (g_str_has_prefix (error->message, "[fingerprint][parse]"));
      g_assert_nonnull (strstr (error->message, bad[i]));
    }
}

/* The definition of docs/fingerprint.md once more, step by step and with nothing from the library. */
static guint64
avalanche (guint64 x)
{
  x = (x ^ x >> 33) * 14029467366897019727u;
  x = (x ^ x >> 29) * 1609587929392839161u;
  return x ^ x >> 32;
}

static char *
define_fingerprint (const guint8 *data, gsize n_bytes, const char *dtype, const gint64 *shape, guint n_dims)
{
  unsigned __int128 sum = 0;
  guint64 header[64] = { 0 };
  gsize n_words = 2 + (strlen (dtype) + 7) / 8;
  XXH128_hash_t hash;

  for (guint64 n = 0; n * 4096 < n_bytes; n++)
    {
      guint8 block[4096] = { 0 };
      guint64 a, b;

      memcpy (block, data + n * 4096, MIN (n_bytes - n * 4096, 4096));
      hash = XXH3_128bits (block, sizeof block);
      a = hash.low64;
      b = hash.high64;
      for (guint64 round = 1; round <= 4; round++)
        {
          guint64 swap = a ^ avalanche (b + (4 * n + round) * 11400714819323198485u);

          a = b;
          b = swap;
        }
      sum += (unsigned __int128) b << 64 | a;
    }

  header[0] = (guint64) sum;
  header[1] = (guint64) (sum >> 64);
  memcpy (&header[2], dtype, strlen (dtype));
  header[n_words++] = n_dims;
  memcpy (&header[n_words], shape, n_dims * sizeof *shape);
  hash = XXH3_128bits (header, 8 * (n_words + n_dims));

  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", hash.high64, hash.low64);
}

static const struct
{
  SngDtype dtype;
  guint n_dims;
  gint64 shape[3];
  const char *fingerprint;
} vectors[] = {
  { SNG_DTYPE_F32, 0, { 0 }, "726b5f91b8cd7aefb567e5740df59ab9" },
  { SNG_DTYPE_U8, 1, { 0 }, "ffac9f4face8cf234bf8e65c117688c4" },
  { SNG_DTYPE_U8, 1, { 1 }, "99364c5e9432a5ea9a5ae1500d7779b4" },
  { SNG_DTYPE_BOOL, 1, { 1 }, "77a4612470ad416e3051d57bd5d48d48" },
  { SNG_DTYPE_BF16, 2, { 3, 128 }, "b791ba1f350a8ccafb9a5b8567c03fc5" },
  { SNG_DTYPE_I32, 1, { 1024 }, "97b18424df3848d3ccae3dd31be9f19a" },
  { SNG_DTYPE_I64, 2, { 64, 9 }, "cf868b8a361dbb04bb7d4bde3953f2e0" },
  { SNG_DTYPE_F64, 3, { 7, 11, 13 }, "bac9267fce59c6689bc9e90378318fb0" },
  { SNG_DTYPE_U8, 1, { 1000003 }, "aa85f22122aa22247783210deb809aa2" },
  { SNG_DTYPE_F8_E4M3, 2, { 3, 128 }, "9c2451ccedd3a5b45b2069d39a13ad5d" },
  { SNG_DTYPE_F8_E5M2FNUZ, 2, { 3, 128 }, "f83357eb81a160adbf60b6edf56d89bc" },
  { SNG_DTYPE_C64, 1, { 513 }, "6195cf2080c044d8abdd6e86ebd9152f" },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (SngTensor) tensor = new_tensor (vectors[i].dtype, vectors[i].shape, vectors[i].n_dims, NULL);
      g_autofree char *defined =
          define_fingerprint (sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor),
                              sng_dtype_get_name (vectors[i].dtype), vectors[i].shape, vectors[i].n_dims);

      assert_fingerprint (tensor, defined);
      g_assert_cmpstr (defined, ==, vectors[i].fingerprint);
    }
}

/* The same for every number of threads, with and without summary. */
static void
test_threads (void)
{
  static const gint64 sizes[] = { 0,         1,           BLOCK - 1,          BLOCK,
                                  BLOCK + 1, 100 * BLOCK, 3 * 256 * 1024 + 5, (33 << 20) + 77 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *expected = NULL;

      for (guint n_threads = 1; n_threads <= 3; n_threads++)
        {
          g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
          g_autoptr (SngTensor) tensor = new_tensor (SNG_DTYPE_U8, &sizes[i], 1, device);
          g_autoptr (SngFingerprint) summarized = sng_tensor_summarize (tensor, NULL, NULL, NULL, NULL);
          g_autofree char *text = sng_fingerprint_to_string (summarized);

          if (expected == NULL)
            expected = define_fingerprint (sng_tensor_get_data (tensor), sizes[i], "U8", &sizes[i], 1);
          assert_fingerprint (tensor, expected);
          g_assert_cmpstr (text, ==, expected);
        }
    }
}

/* A tensor with gaps, turned or backwards has the fingerprint of its copy without. */
static void
test_strides (void)
{
  for (SngDtype dtype = 0; dtype < N_DTYPES; dtype++)
    {
      static const gint64 base_shape[] = { 70, 60, 50 };
      static const struct
      {
        gint64 offset;
        guint n_dims;
        gint64 shape[3];
        gint64 strides[3];
      } views[] = {
        { 0, 3, { 50, 60, 70 }, { 1, 50, 3000 } },
        { 209999, 1, { 210000 }, { -1 } },
        { 7, 2, { 3000, 35 }, { 1, 6000 } },
        { 1, 3, { 70, 59, 48 }, { 3000, 50, 1 } },
        { 3, 2, { 300, 300 }, { 0, 2 } },
        { 5, 1, { 1 }, { 99 } },
        { 9, 3, { 40, 1, 3 }, { 100, G_MAXINT64, 7 } },
      };
      g_autoptr (SngDevice) device = sng_device_new_cpu (1 + dtype % 3);
      g_autoptr (SngTensor) base = new_tensor (dtype, base_shape, 3, device);

      for (guint i = 0; i < G_N_ELEMENTS (views); i++)
        {
          g_autoptr (SngTensor) view =
              sng_tensor_new_view (base, views[i].offset, views[i].shape, views[i].n_dims, views[i].strides,
                                   views[i].n_dims, NULL);
          g_autoptr (SngTensor) copy = sng_tensor_copy (view, NULL);
          double a[3], b[3];
          guint64 n_a, n_b;
          g_autoptr (SngFingerprint) of_view = sng_tensor_summarize (view, &a[0], &a[1], &a[2], &n_a);
          g_autoptr (SngFingerprint) of_copy = sng_tensor_summarize (copy, &b[0], &b[1], &b[2], &n_b);

          g_assert_true (sng_fingerprint_equal (of_view, of_copy));
          g_assert_cmpmem (a, sizeof a, b, sizeof b);
          g_assert_cmpuint (n_a, ==, n_b);
          g_assert_true (same (view, copy));
          ((guint8 *) sng_tensor_get_data (copy))[sng_tensor_get_n_bytes (copy) - 1] ^= 1;
          g_assert_false (same (view, copy));
        }
    }
}

/* Bytes at any address: pieces of a mapped file. */
static void
test_alignment (void)
{
  g_autofree guint8 *memory = g_malloc (3 * BLOCK + 64);
  gint64 shape = 2 * BLOCK + 99;
  g_autofree char *expected = NULL;

  for (guint offset = 0; offset < 64; offset++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (memory + offset, shape);
      g_autoptr (SngTensor) tensor = sng_tensor_new_from_bytes (SNG_DTYPE_I8, &shape, 1, bytes, NULL);
      g_autoptr (SngFingerprint) fingerprint = NULL;
      g_autofree char *text = NULL;

      for (gint64 i = 0; i < shape; i++)
        memory[offset + i] = pattern (i);
      fingerprint = sng_tensor_summarize (tensor, NULL, NULL, NULL, NULL);
      text = sng_fingerprint_to_string (fingerprint);
      if (expected == NULL)
        expected = define_fingerprint (memory, shape, "I8", &shape, 1);

      g_assert_true (sng_tensor_get_data (tensor) == (gpointer) (memory + offset));
      g_assert_cmpstr (text, ==, expected);
      assert_fingerprint (tensor, expected);
    }
}

/* Zeros, so that nothing but dtype and shape tells the tensors apart. */
static void
test_dtype_and_shape (void)
{
  static const gint64 shapes[][3] = { { 0 },    { 1 },    { 8 },    { 4096 },    { 1, 8 },   { 8, 1 },
                                      { 2, 4 }, { 0, 1 }, { 1, 0 }, { 1, 1, 8 }, { 512, 8 }, { 8192 } };
  static const guint n_dims[] = { 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 2, 1 };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n = 0;

  for (SngDtype dtype = 0; dtype < N_DTYPES; dtype++)
    for (guint i = 0; i <= G_N_ELEMENTS (shapes); i++)
      {
        gboolean scalar = i == G_N_ELEMENTS (shapes);
        g_autoptr (SngTensor) tensor =
            sng_tensor_new (dtype, scalar ? NULL : shapes[i], scalar ? 0 : n_dims[i], NULL, NULL);
        g_autoptr (SngFingerprint) fingerprint = sng_tensor_compute_fingerprint (tensor);

        g_hash_table_add (seen, sng_fingerprint_to_string (fingerprint));
        n++;
      }

  g_assert_cmpuint (g_hash_table_size (seen), ==, n);
}

/* What the fingerprint would be if nobody had thought of places: the plain sum of the blocks' hashes. */
static guint64
sum_without_places (SngTensor *tensor)
{
  const guint8 *data = sng_tensor_get_data (tensor);
  guint64 sum = 0;

  for (gsize i = 0; i + BLOCK <= sng_tensor_get_n_bytes (tensor); i += BLOCK)
    sum += XXH3_64bits (data + i, BLOCK);

  return sum;
}

/* Blocks that change places, and bytes that move within a block, into the next or to the same place there. */
static void
test_position (void)
{
  g_autoptr (SngTensor) original = new_bytes (5 * BLOCK + 100);
  gsize n_bytes = sng_tensor_get_n_bytes (original);

  for (guint a = 0; a < 5; a++)
    for (guint b = a + 1; b < 5; b++)
      {
        g_autoptr (SngTensor) swapped = sng_tensor_copy (original, NULL);
        guint8 *data = sng_tensor_get_data (swapped);
        const guint8 *from = sng_tensor_get_data (original);

        memcpy (data + a * BLOCK, from + b * BLOCK, BLOCK);
        memcpy (data + b * BLOCK, from + a * BLOCK, BLOCK);
        g_assert_false (sng_tensor_equal (original, swapped));
        g_assert_cmphex (sum_without_places (original), ==, sum_without_places (swapped));
        g_assert_false (same (original, swapped));
      }

  for (gsize i = 0; i < n_bytes; i += 97)
    for (gsize distance = 1; distance <= BLOCK; distance *= 64)
      {
        gint64 shape[] = { n_bytes };
        g_autoptr (SngTensor) a = sng_tensor_new (SNG_DTYPE_U8, shape, 1, NULL, NULL);
        g_autoptr (SngTensor) b = sng_tensor_new (SNG_DTYPE_U8, shape, 1, NULL, NULL);

        ((guint8 *) sng_tensor_get_data (a))[i] = 1;
        ((guint8 *) sng_tensor_get_data (b))[(i + distance) % n_bytes] = 1;
        g_assert_false (same (a, b));
      }
}

/* Turning one bit turns about half of the fingerprint's, wherever it is. */
static void
test_avalanche (void)
{
  g_autoptr (SngTensor) tensor = new_bytes (9000);
  g_autoptr (SngFingerprint) before = sng_tensor_compute_fingerprint (tensor);
  guint8 *data = sng_tensor_get_data (tensor);
  guint64 n_turned = 0, n_flips = 0;

  for (guint bit = 0; bit < 9000 * 8; bit++, n_flips++)
    {
      g_autoptr (SngFingerprint) after = NULL;
      guint n;

      data[bit / 8] ^= 1u << bit % 8;
      after = sng_tensor_compute_fingerprint (tensor);
      data[bit / 8] ^= 1u << bit % 8;

      n = __builtin_popcountll (before->low ^ after->low) + __builtin_popcountll (before->high ^ after->high);
      if (n < 24 || n > 104)
        g_error ("bit %u turns %u bits", bit, n);
      n_turned += n;
    }

  g_assert_cmpfloat_with_epsilon ((double) n_turned / (double) n_flips, 64, 0.1);
}

static int
compare_halves (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return (x > y) - (x < y);
}

/* A million tensors that differ in a counter at one of 16 places, or in two small numbers at moving places: not
 * even one half of two fingerprints is the same. (Among so many random numbers of 64 bits that happens once in
 * 18 million times.) */
static void
test_collisions (void)
{
  const guint n = 1000000;
  g_autofree guint64 *low = g_new (guint64, n);
  g_autofree guint64 *high = g_new (guint64, n);
  gint64 shape[] = { 64 };
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_U8, shape, 1, NULL, NULL);
  guint8 *data = sng_tensor_get_data (tensor);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (SngFingerprint) fingerprint = NULL;

      memset (data, 0, 64);
      if (i < n / 2)
        memcpy (data + i % 16 * 4, &(guint32){ i / 16 + 1 }, 4);
      else
        {
          guint k = i - n / 2;
          guint value = k / (32 * 31);

          data[k % 32] = 1 + value % 255;
          data[32 + k / 32 % 31] = 1 + value / 255;
          data[63] = 255;
        }
      fingerprint = sng_tensor_compute_fingerprint (tensor);
      low[i] = fingerprint->low;
      high[i] = fingerprint->high;
    }

  qsort (low, n, sizeof *low, compare_halves);
  qsort (high, n, sizeof *high, compare_halves);
  for (guint i = 1; i < n; i++)
    {
      g_assert_cmphex (low[i - 1], !=, low[i]);
      g_assert_cmphex (high[i - 1], !=, high[i]);
    }
}

/* Parts that are cut at blocks add up to the whole, in any order. */
static void
test_shards (void)
{
  static const gsize cuts[] = { 0, 3 * BLOCK, 4 * BLOCK, 9 * BLOCK, 10 * BLOCK + 1234 };
  g_autoptr (SngTensor) whole = new_bytes (10 * BLOCK + 1234);
  g_autofree char *text = NULL;
  SngFingerprint fingerprint;
  SngBlockSums sums = { 0 };
  gint64 shape = 10 * BLOCK + 1234;

  for (guint i = G_N_ELEMENTS (cuts) - 1; i-- > 0;)
    {
      SngBlockSums part = { 0 };

      sng_cpu_blocks_plain ((const guint8 *) sng_tensor_get_data (whole) + cuts[i], cuts[i + 1] - cuts[i],
                            cuts[i] / BLOCK, SNG_DTYPE_U8, FALSE, &part);
      sng_fingerprint_add (&sums.low, &sums.high, part.low, part.high);
    }

  sng_fingerprint_finish (&fingerprint, sums.low, sums.high, SNG_DTYPE_U8, &shape, 1);
  text = sng_fingerprint_to_string (&fingerprint);
  assert_fingerprint (whole, text);
}

static void
test_carry (void)
{
  guint64 low = G_MAXUINT64, high = 1;

  sng_fingerprint_add (&low, &high, 2, G_MAXUINT64);
  g_assert_cmphex (low, ==, 1);
  g_assert_cmphex (high, ==, 1);
}

/* Plain and AVX2 code do the same to every pattern of bits. */
static void
test_instruction_sets (void)
{
  SngCpuBlocksFunc best = sng_cpu_blocks_choose ();
  g_autoptr (SngTensor) tensor = NULL;
  guint32 *words;
  gint64 n_words = 64 * 1024;

  if (best == sng_cpu_blocks_plain)
    {
      g_test_skip ("needs AVX2");
      return;
    }

  tensor = sng_tensor_new (SNG_DTYPE_I32, &n_words, 1, NULL, NULL);
  words = sng_tensor_get_data (tensor);
  for (guint repeat = 0; repeat < 4; repeat++)
    {
      for (gint64 i = 0; i < n_words; i++)
        words[i] =
            (guint32) g_test_rand_int () & (repeat == 3 ? 0xbfffbfff : G_MAXUINT32); /* 3: all finite */

      for (SngDtype dtype = 0; dtype < N_DTYPES; dtype++)
        for (gsize n_bytes = 8; n_bytes <= 4 * (gsize) n_words; n_bytes = n_bytes * 3 / 16 * 8 + 8)
          {
            SngBlockSums a = { .minimum = INFINITY, .maximum = -INFINITY }, b = a;

            sng_cpu_blocks_plain ((guint8 *) words, n_bytes, 5, dtype, TRUE, &a);
            best ((guint8 *) words, n_bytes, 5, dtype, TRUE, &b);
            g_assert_cmpmem (&a, sizeof a, &b, sizeof b);
          }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/fingerprint/string", test_string);
  g_test_add_func ("/sng/fingerprint/vectors", test_vectors);
  g_test_add_func ("/sng/fingerprint/threads", test_threads);
  g_test_add_func ("/sng/fingerprint/strides", test_strides);
  g_test_add_func ("/sng/fingerprint/alignment", test_alignment);
  g_test_add_func ("/sng/fingerprint/dtype-and-shape", test_dtype_and_shape);
  g_test_add_func ("/sng/fingerprint/position", test_position);
  g_test_add_func ("/sng/fingerprint/avalanche", test_avalanche);
  g_test_add_func ("/sng/fingerprint/collisions", test_collisions);
  g_test_add_func ("/sng/fingerprint/shards", test_shards);
  g_test_add_func ("/sng/fingerprint/carry", test_carry);
  g_test_add_func ("/sng/fingerprint/instruction-sets", test_instruction_sets);

  return g_test_run ();
}
