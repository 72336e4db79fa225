/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Compiled twice: see sng-cpu-blocks-private.h. XXH3 inlined here uses what the compiler is told it may. */

#include "cpu/sng-cpu-blocks-private.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tensor/sng-f8-private.h"

#ifdef __AVX2__
# include <immintrin.h>
# define SNG_CPU_BLOCKS sng_cpu_blocks_avx2
#else
# define SNG_CPU_BLOCKS sng_cpu_blocks_plain
#endif

/* The summary of floating point elements.
 *
 * A block is first taken for finite: 16 running sums in f64, one a place modulo 16, which are added as a tree.
 * Only where that sum is not finite is the block looked at again, element by element. */

typedef float F32x8 __attribute__ ((vector_size (32)));
typedef double F64x4 __attribute__ ((vector_size (32)));
typedef gint32 I32x8 __attribute__ ((vector_size (32)));
typedef guint32 U32x8 __attribute__ ((vector_size (32)));
typedef gint64 I64x4 __attribute__ ((vector_size (32)));
typedef guint16 U16x8 __attribute__ ((vector_size (16)));
typedef guint8 U8x8 __attribute__ ((vector_size (8)));

#define LANES 16

/* Vectors go by pointer: how they go by value depends on what the machine has. */

static inline void
keep_lower_f32 (F32x8 *least, const F32x8 *values)
{
#ifdef __AVX2__
  *least = (F32x8) _mm256_min_ps ((__m256) *values, (__m256) *least);
#else
  I32x8 mask = *values < *least;

  *least = (F32x8) (((I32x8) *values & mask) | ((I32x8) *least & ~mask));
#endif
}

static inline void
keep_higher_f32 (F32x8 *greatest, const F32x8 *values)
{
#ifdef __AVX2__
  *greatest = (F32x8) _mm256_max_ps ((__m256) *values, (__m256) *greatest);
#else
  I32x8 mask = *values > *greatest;

  *greatest = (F32x8) (((I32x8) *values & mask) | ((I32x8) *greatest & ~mask));
#endif
}

static inline void
keep_lower_f64 (F64x4 *least, const F64x4 *values)
{
#ifdef __AVX2__
  *least = (F64x4) _mm256_min_pd ((__m256d) *values, (__m256d) *least);
#else
  I64x4 mask = *values < *least;

  *least = (F64x4) (((I64x4) *values & mask) | ((I64x4) *least & ~mask));
#endif
}

static inline void
keep_higher_f64 (F64x4 *greatest, const F64x4 *values)
{
#ifdef __AVX2__
  *greatest = (F64x4) _mm256_max_pd ((__m256d) *values, (__m256d) *greatest);
#else
  I64x4 mask = *values > *greatest;

  *greatest = (F64x4) (((I64x4) *values & mask) | ((I64x4) *greatest & ~mask));
#endif
}

static inline void
load_f32 (F32x8 *values, const guint8 *data)
{
  memcpy (values, data, sizeof *values);
}

static inline void
load_bf16 (F32x8 *values, const guint8 *data)
{
  U16x8 halves;

  memcpy (&halves, data, sizeof halves);
  *values = (F32x8) (__builtin_convertvector(halves, U32x8) << 16);
}

/* Infinities and what is not a number come out as infinities. */
static inline void
load_f16 (F32x8 *values, const guint8 *data)
{
  U16x8 halves;
  U32x8 bits, rest, special;

  memcpy (&halves, data, sizeof halves);
  bits = __builtin_convertvector(halves, U32x8);
  rest = (bits & 0x7fff) << 13;
  special = (U32x8) ((I32x8) rest >= 0x0f800000);
  rest = (U32x8) ((F32x8) rest * 0x1p112f);
  *values = (F32x8) ((rest & ~special) | (special & 0x7f800000) | (bits & 0x8000) << 16);
}

/* Codes from first_special up, without their sign, and in a format that has it so the negative zero, come out as
 * infinities. The scale is that between the exponents' biases. */
static inline G_ALWAYS_INLINE void
widen_f8 (F32x8 *values, const guint8 *data, guint shift, float scale, gint32 first_special, gboolean fnuz)
{
  U8x8 codes;
  U32x8 bits, rest, special;

  memcpy (&codes, data, sizeof codes);
  bits = __builtin_convertvector(codes, U32x8);
  rest = bits & 0x7f;
  special = fnuz ? (U32x8) ((I32x8) bits == 0x80) : (U32x8) ((I32x8) rest >= first_special);
  rest = (U32x8) ((F32x8) (rest << shift) * scale);
  *values = (F32x8) ((rest & ~special) | (special & 0x7f800000) | (bits & 0x80) << 24);
}

static inline void
load_f8_e4m3 (F32x8 *values, const guint8 *data)
{
  widen_f8 (values, data, 20, 0x1p120f, 0x7f, FALSE);
}

static inline void
load_f8_e5m2 (F32x8 *values, const guint8 *data)
{
  widen_f8 (values, data, 21, 0x1p112f, 0x7c, FALSE);
}

static inline void
load_f8_e4m3fnuz (F32x8 *values, const guint8 *data)
{
  widen_f8 (values, data, 20, 0x1p119f, 0, TRUE);
}

static inline void
load_f8_e5m2fnuz (F32x8 *values, const guint8 *data)
{
  widen_f8 (values, data, 21, 0x1p111f, 0, TRUE);
}

static inline void
load_f8_e8m0 (F32x8 *values, const guint8 *data)
{
  U8x8 codes;
  U32x8 bits;

  memcpy (&codes, data, sizeof codes);
  bits = __builtin_convertvector(codes, U32x8);
  *values = (F32x8) (bits << 23 | ((U32x8) ((I32x8) bits == 0) & 0x00400000));
}

static inline void
sum_f32x8 (const F32x8 *values, F64x4 *sums)
{
#ifdef __AVX2__ /* GCC 12 makes six instructions of each conversion */
  sums[0] += (F64x4) _mm256_cvtps_pd (_mm256_castps256_ps128 ((__m256) *values));
  sums[1] += (F64x4) _mm256_cvtps_pd (_mm256_extractf128_ps ((__m256) *values, 1));
#else
  sums[0] += __builtin_convertvector(__builtin_shufflevector (*values, *values, 0, 1, 2, 3), F64x4);
  sums[1] += __builtin_convertvector(__builtin_shufflevector (*values, *values, 4, 5, 6, 7), F64x4);
#endif
}

static inline double
sum_lanes (const F64x4 sums[4])
{
  F64x4 sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);

  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double
value_f64 (const guint8 *data)
{
  double value;

  memcpy (&value, data, sizeof value);
  return value;
}

static double
value_f32 (const guint8 *data)
{
  float value;

  memcpy (&value, data, sizeof value);
  return value;
}

static double
value_bf16 (const guint8 *data)
{
  guint16 half;

  memcpy (&half, data, sizeof half);
  return sng_bf16_to_float (half);
}

static double
value_f16 (const guint8 *data)
{
  guint16 half;

  memcpy (&half, data, sizeof half);
  return sng_f16_to_float (half);
}

#define DEFINE_VALUE_F8(name)                                                                                \
 static double value_##name (const guint8 *data)                                                             \
 {                                                                                                           \
  return sng_##name##_to_float (*data);                                                                      \
 }

DEFINE_VALUE_F8 (f8_e4m3)
DEFINE_VALUE_F8 (f8_e5m2)
DEFINE_VALUE_F8 (f8_e8m0)
DEFINE_VALUE_F8 (f8_e4m3fnuz)
DEFINE_VALUE_F8 (f8_e5m2fnuz)

/* n elements one after the other. */
static void
summarize_each (const guint8 *data,
                gsize n,
                gsize size,
                double (*value_of) (const guint8 *data),
                SngBlockSums *sums)
{
  for (gsize i = 0; i < n; i++)
    {
      double value = value_of (data + i * size);

      if (!isfinite (value))
        {
          sums->n_non_finite++;
          continue;
        }
      sums->minimum = MIN (sums->minimum, value);
      sums->maximum = MAX (sums->maximum, value);
      sums->sum += value;
    }
}

/* For every format that is widened to f32; the compiler makes one function of it for each. Here and below, sums
 * comes in empty: it is one block's. */
static inline G_ALWAYS_INLINE void
summarize_f32x8 (const guint8 *data,
                 gsize n,
                 gsize size,
                 void (*load) (F32x8 *values, const guint8 *data),
                 double (*value_of) (const guint8 *data),
                 SngBlockSums *sums)
{
  const F32x8 zero = { 0 };
  F32x8 low[2] = { zero + INFINITY, zero + INFINITY };
  F32x8 high[2] = { zero - INFINITY, zero - INFINITY };
  F64x4 sum[4] = { { 0 } };
  gsize n_whole = n - n % LANES;

  for (gsize i = 0; i < n_whole; i += LANES)
    {
      F32x8 first, second;

      load (&first, data + i * size);
      load (&second, data + (i + LANES / 2) * size);
      __builtin_prefetch (data + i * size + SNG_FINGERPRINT_BLOCK_SIZE); /* to be hashed next */
      keep_lower_f32 (&low[0], &first);
      keep_lower_f32 (&low[1], &second);
      keep_higher_f32 (&high[0], &first);
      keep_higher_f32 (&high[1], &second);
      sum_f32x8 (&first, &sum[0]);
      sum_f32x8 (&second, &sum[2]);
    }

  sums->sum = sum_lanes (sum);
  if (!isfinite (sums->sum))
    {
      sums->sum = 0;
      n_whole = 0;
    }
  else
    {
      keep_lower_f32 (&low[0], &low[1]);
      keep_higher_f32 (&high[0], &high[1]);
      for (guint i = 0; i < 8; i++)
        {
          sums->minimum = MIN (sums->minimum, low[0][i]);
          sums->maximum = MAX (sums->maximum, high[0][i]);
        }
    }
  summarize_each (data + n_whole * size, n - n_whole, size, value_of, sums);
}

static void
summarize_f32 (const guint8 *data, gsize n, SngBlockSums *sums)
{
  summarize_f32x8 (data, n, 4, load_f32, value_f32, sums);
}

static void
summarize_bf16 (const guint8 *data, gsize n, SngBlockSums *sums)
{
  summarize_f32x8 (data, n, 2, load_bf16, value_bf16, sums);
}

static void
summarize_f16 (const guint8 *data, gsize n, SngBlockSums *sums)
{
  summarize_f32x8 (data, n, 2, load_f16, value_f16, sums);
}

#define DEFINE_SUMMARIZE_F8(name)                                                                            \
 static void summarize_##name (const guint8 *data, gsize n, SngBlockSums *sums)                              \
 {                                                                                                           \
  summarize_f32x8 (data, n, 1, load_##name, value_##name, sums);                                             \
 }

DEFINE_SUMMARIZE_F8 (f8_e4m3)
DEFINE_SUMMARIZE_F8 (f8_e5m2)
DEFINE_SUMMARIZE_F8 (f8_e8m0)
DEFINE_SUMMARIZE_F8 (f8_e4m3fnuz)
DEFINE_SUMMARIZE_F8 (f8_e5m2fnuz)

/* All parts, real and imaginary. */
static void
summarize_c64 (const guint8 *data, gsize n, SngBlockSums *sums)
{
  summarize_f32 (data, 2 * n, sums);
}

static void
summarize_f64 (const guint8 *data, gsize n, SngBlockSums *sums)
{
  const F64x4 zero = { 0 };
  F64x4 low = zero + INFINITY, high = zero - INFINITY;
  F64x4 sum[4] = { { 0 } };
  gsize n_whole = n - n % LANES;

  for (gsize i = 0; i < n_whole; i += LANES)
    {
      F64x4 values[4];

      __builtin_prefetch (data + i * 8 + SNG_FINGERPRINT_BLOCK_SIZE);
      __builtin_prefetch (data + i * 8 + SNG_FINGERPRINT_BLOCK_SIZE + 64);
      memcpy (values, data + i * 8, sizeof values);
      for (guint lane = 0; lane < 4; lane++)
        {
          keep_lower_f64 (&low, &values[lane]);
          keep_higher_f64 (&high, &values[lane]);
          sum[lane] += values[lane];
        }
    }

  sums->sum = sum_lanes (sum);
  if (!isfinite (sums->sum))
    {
      sums->sum = 0;
      n_whole = 0;
    }
  else
    for (guint i = 0; i < 4; i++)
      {
        sums->minimum = MIN (sums->minimum, low[i]);
        sums->maximum = MAX (sums->maximum, high[i]);
      }
  summarize_each (data + n_whole * 8, n - n_whole, 8, value_f64, sums);
}

/* The summary of integers. The sum of a block is exact for elements of up to 32 bits. */
/* clang-format off */
#define DEFINE_SUMMARIZE_INTEGER(name, type, sum_type)                                                  \
  static void                                                                                           \
  summarize_##name (const guint8 *data, gsize n, SngBlockSums *sums)                                    \
  {                                                                                                     \
    type low, high;                                                                                     \
    sum_type sum = 0;                                                                                   \
                                                                                                        \
    memcpy (&low, data, sizeof low);                                                                    \
    high = low;                                                                                         \
    for (gsize i = 0; i < n; i++)                                                                       \
      {                                                                                                 \
        type value;                                                                                     \
                                                                                                        \
        memcpy (&value, data + i * sizeof value, sizeof value);                                         \
        low = value < low ? value : low;                                                                \
        high = value > high ? value : high;                                                             \
        sum += value;                                                                                   \
      }                                                                                                 \
    sums->minimum = (double) low;                                                                       \
    sums->maximum = (double) high;                                                                      \
    sums->sum = (double) sum;                                                                                    \
  }

DEFINE_SUMMARIZE_INTEGER (i64, gint64, double)
DEFINE_SUMMARIZE_INTEGER (i32, gint32, gint64)
DEFINE_SUMMARIZE_INTEGER (i16, gint16, gint32)
DEFINE_SUMMARIZE_INTEGER (i8, gint8, gint32)
DEFINE_SUMMARIZE_INTEGER (u8, guint8, gint32)
DEFINE_SUMMARIZE_INTEGER (u16, guint16, gint32)
DEFINE_SUMMARIZE_INTEGER (u32, guint32, gint64)
DEFINE_SUMMARIZE_INTEGER (u64, guint64, double)
/* clang-format on */

static void (*const summarize_block[]) (const guint8 *data, gsize n, SngBlockSums *sums) = {
  [SNG_DTYPE_F64] = summarize_f64,
  [SNG_DTYPE_F32] = summarize_f32,
  [SNG_DTYPE_BF16] = summarize_bf16,
  [SNG_DTYPE_F16] = summarize_f16,
  [SNG_DTYPE_I64] = summarize_i64,
  [SNG_DTYPE_I32] = summarize_i32,
  [SNG_DTYPE_I16] = summarize_i16,
  [SNG_DTYPE_I8] = summarize_i8,
  [SNG_DTYPE_U8] = summarize_u8,
  [SNG_DTYPE_BOOL] = summarize_u8,
  [SNG_DTYPE_U16] = summarize_u16,
  [SNG_DTYPE_U32] = summarize_u32,
  [SNG_DTYPE_U64] = summarize_u64,
  [SNG_DTYPE_F8_E4M3] = summarize_f8_e4m3,
  [SNG_DTYPE_F8_E5M2] = summarize_f8_e5m2,
  [SNG_DTYPE_F8_E8M0] = summarize_f8_e8m0,
  [SNG_DTYPE_F8_E4M3FNUZ] = summarize_f8_e4m3fnuz,
  [SNG_DTYPE_F8_E5M2FNUZ] = summarize_f8_e5m2fnuz,
  [SNG_DTYPE_C64] = summarize_c64,
};

static void
add_summary (const guint8 *data, gsize n_bytes, SngDtype dtype, SngBlockSums *sums)
{
  SngBlockSums block = { .minimum = INFINITY, .maximum = -INFINITY };

  summarize_block[dtype](data, n_bytes / sng_dtype_get_size (dtype), &block);
  sums->minimum = MIN (sums->minimum, block.minimum);
  sums->maximum = MAX (sums->maximum, block.maximum);
  sums->sum += block.sum;
  sums->n_non_finite += block.n_non_finite;
}

static inline void
add_hash (const guint8 *data, guint64 block, SngBlockSums *sums)
{
  XXH128_hash_t hash = XXH3_128bits (data, SNG_FINGERPRINT_BLOCK_SIZE);

  sng_fingerprint_add_block (&sums->low, &sums->high, hash.low64, hash.high64, block);
}

void
SNG_CPU_BLOCKS (const guint8 *data,
                gsize n_bytes,
                guint64 first_block,
                SngDtype dtype,
                gboolean summarize,
                SngBlockSums *sums)
{
  gsize n_blocks = n_bytes / SNG_FINGERPRINT_BLOCK_SIZE;
  gsize n_rest = n_bytes % SNG_FINGERPRINT_BLOCK_SIZE;

  for (gsize i = 0; i < n_blocks; i++, data += SNG_FINGERPRINT_BLOCK_SIZE)
    {
      add_hash (data, first_block + i, sums);
      if (summarize)
        add_summary (data, SNG_FINGERPRINT_BLOCK_SIZE, dtype, sums);
    }

  if (n_rest > 0)
    {
      guint8 padded[SNG_FINGERPRINT_BLOCK_SIZE] __attribute__ ((aligned (64))) = { 0 };

      memcpy (padded, data, n_rest);
      add_hash (padded, first_block + n_blocks, sums);
      if (summarize)
        add_summary (padded, n_rest, dtype, sums);
    }
}
