/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include <glib.h>
#include <xxhash.h>

#include "cpu/sng-cpu-blocks-private.h"
#include "cuda/sng-cuda-fingerprint-formulas.h"
#include "cuda/sng-cuda-view.h"

/* What the kernel of the fingerprint is made of, held against libxxhash and the CPU. */

#define BLOCK SNG_FINGERPRINT_BLOCK_SIZE
#define N_STRIPES (SNG_HASH_ROUNDS * SNG_HASH_ROUND_STRIPES)

/* As a lane of the kernel goes over its words of all stripes. */
static SngHashLane
run_lane (const guint8 *data, guint lane)
{
  SngHashLane hash = sng_hash_lane_begin (lane);

  for (guint stripe = 0; stripe < N_STRIPES; stripe++)
    {
      guint key = stripe == N_STRIPES - 1 ? (guint) SNG_HASH_KEYS_LAST
                                          : SNG_HASH_KEYS_STRIPE + stripe % SNG_HASH_ROUND_STRIPES * 8;
      guint64 words[2];

      memcpy (words, data + stripe * 64 + lane * 16, sizeof words);
      sng_hash_lane_add (&hash, words[0], words[1], sng_hash_key (key + 2 * lane),
                         sng_hash_key (key + 2 * lane + 1));
      if (stripe % SNG_HASH_ROUND_STRIPES == SNG_HASH_ROUND_STRIPES - 1 && stripe < N_STRIPES - 1)
        sng_hash_lane_scramble (&hash, sng_hash_key (SNG_HASH_KEYS_SCRAMBLE + 2 * lane),
                                sng_hash_key (SNG_HASH_KEYS_SCRAMBLE + 2 * lane + 1));
    }
  return hash;
}

static void
hash_block (const guint8 *data, guint64 *low, guint64 *high)
{
  guint64 sums[2] = { 0, 0 };

  for (guint lane = 0; lane < SNG_HASH_LANES; lane++)
    {
      SngHashLane hash = run_lane (data, lane);

      sums[0] += sng_hash_lane_end (&hash, sng_hash_key (SNG_HASH_KEYS_LOW + 2 * lane),
                                    sng_hash_key (SNG_HASH_KEYS_LOW + 2 * lane + 1));
      sums[1] += sng_hash_lane_end (&hash, sng_hash_key (SNG_HASH_KEYS_HIGH + 2 * lane),
                                    sng_hash_key (SNG_HASH_KEYS_HIGH + 2 * lane + 1));
    }
  *low = sng_hash_finish_low (sums[0]);
  *high = sng_hash_finish_high (sums[1]);
}

static void
assert_same_hash (const guint8 *data)
{
  XXH128_hash_t expected = XXH3_128bits (data, BLOCK);
  guint64 low, high;

  hash_block (data, &low, &high);
  g_assert_cmphex (low, ==, expected.low64);
  g_assert_cmphex (high, ==, expected.high64);
}

static void
test_hash (void)
{
  guint8 data[BLOCK] = { 0 };

  assert_same_hash (data);
  memset (data, 0xff, sizeof data);
  assert_same_hash (data);
  for (guint i = 0; i < 500; i++)
    {
      for (guint j = 0; j < BLOCK; j++)
        data[j] = (guint8) g_test_rand_int ();
      assert_same_hash (data);
    }
}

/* A word that is alone in its block: no place may be taken for another. */
static void
test_hash_places (void)
{
  for (guint i = 0; i < BLOCK / 8; i++)
    {
      guint8 data[BLOCK] = { 0 };
      guint64 word = G_GUINT64_CONSTANT (0x8000000180000001) + i;

      memcpy (data + i * 8, &word, sizeof word);
      assert_same_hash (data);
    }
}

/* The numbers of the blocks. */
static void
test_sum (void)
{
  guint8 data[3 * BLOCK];
  SngBlockSums expected = { 0 };
  guint64 low = 0, high = 0;

  for (guint j = 0; j < sizeof data; j++)
    data[j] = (guint8) g_test_rand_int ();
  sng_cpu_blocks_plain (data, sizeof data, 7, SNG_DTYPE_U8, FALSE, &expected);

  for (guint i = 3; i-- > 0;)
    {
      guint64 hash_low, hash_high;

      hash_block (data + i * BLOCK, &hash_low, &hash_high);
      sng_fingerprint_add_block (&low, &high, hash_low, hash_high, 7 + i);
    }
  g_assert_cmphex (low, ==, expected.low);
  g_assert_cmphex (high, ==, expected.high);
}

/* Every unit of the view is where the layout has it. */
static void
check_view (guint n_dims,
            const gint64 *shape,
            const gint64 *strides,
            gsize item_size,
            guint64 alignment,
            guint expected_dims,
            guint expected_unit)
{
  SngLayout layout = { SNG_DTYPE_U8, n_dims, shape, strides, 1, FALSE };
  SngCudaView view;

  for (guint i = 0; i < n_dims; i++)
    layout.n_elements *= shape[i];
  sng_cuda_view_init (&view, &layout, item_size, alignment, 16);
  g_assert_cmpuint (view.n_dims, ==, expected_dims);
  g_assert_cmpuint (view.unit, ==, expected_unit);

  for (gint64 i = 0; i < layout.n_elements * (gint64) item_size; i++)
    {
      gint64 index = i / (gint64) item_size, expected = i % (gint64) item_size;

      for (guint d = n_dims; d-- > 0; index /= shape[d])
        expected += index % shape[d] * strides[d] * (gint64) item_size;
      g_assert_cmpint (sng_cuda_view_offset (view.dims, view.n_dims, (guint64) i / view.unit) + i % view.unit,
                       ==, expected);
    }
}

static void
test_view (void)
{
  const gint64 shape[] = { 4, 1, 6, 8 };
  const gint64 whole[] = { 48, 48, 8, 1 }, columns[] = { 120, 7, 20, 1 }, odd[] = { 126, 7, 21, 1 };
  const gint64 back[] = { -48, 3, -8, -1 }, transposed[] = { 1, 9, 32, 4 }, same[] = { 0, 0, 0, 0 },
               row[] = { 0, 0, 0, 1 };

  check_view (0, NULL, NULL, 8, 8, 1, 8);
  check_view (0, NULL, NULL, 1, 1, 1, 1);
  check_view (4, shape, whole, 4, 0, 1, 16);
  check_view (4, shape, whole, 4, 16 | 2, 1, 2);
  check_view (4, shape, whole, 4, 1, 1, 1);
  check_view (4, shape, columns, 4, 0, 2, 16);
  check_view (4, shape, columns, 1, 0, 2, 4);
  check_view (4, shape, odd, 2, 0, 2, 2);
  check_view (4, shape, back, 4, 0, 1, 4);
  check_view (4, shape, transposed, 8, 0, 2, 8);
  check_view (4, shape, transposed, 8, 4, 3, 4);
  check_view (4, shape, same, 2, 0, 1, 2);
  check_view (4, shape, row, 2, 0, 1, 16);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-fingerprint-formulas/hash", test_hash);
  g_test_add_func ("/sng/cuda-fingerprint-formulas/hash-places", test_hash_places);
  g_test_add_func ("/sng/cuda-fingerprint-formulas/sum", test_sum);
  g_test_add_func ("/sng/cuda-fingerprint-formulas/view", test_view);

  return g_test_run ();
}
