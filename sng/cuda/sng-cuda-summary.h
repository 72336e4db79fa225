/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The summary of a block beside its hash, for sng-cuda-fingerprint.cu. A quad of lanes reads a stripe of 64 bytes at a time, lane q
 * its bytes 16 q to 16 q + 15. docs/fingerprint.md wants 16 running sums of floating point elements, one a place modulo 16, each in the
 * order of the elements. So each lane keeps four of these, and where the 16 elements of a row take less than a stripe the lanes
 * hand each other what belongs to the other's places. Bounds, and sums of integers, are the same in any order.
 *
 * A type of summary has:
 *   begin ()            nothing is read
 *   add<parity> (words, stripe, n, quad)   the lane's 16 bytes of a stripe; parity is stripe % 2, n the elements of the block
 *   end (n, quad)       combines the lanes; every lane of the quad has the same then
 *   n_done              how many elements are in it; the others are for each ()
 *   each (words, first, n)   one lane, one after the other: the 16 bytes whose first element is first
 *   sums                of the block
 *   AT_ONCE             so many stripes are loaded at a time: narrow elements make much code of each
 * All lanes of a warp call begin, add and end. */

#include "cuda/sng-cuda-kernel.h"

#include <limits>
#include <type_traits>

#define SNG_SUMMARY_ROW 16u

struct SngSummary
{
  double  minimum;
  double  maximum;
  double  sum;
  guint64 n_non_finite;
};

template <typename T>
static __device__ __forceinline__ T
sng_quad_xor (T value, int bits)
{
  return __shfl_xor_sync (SNG_CUDA_FULL_MASK, value, bits);
}

/* Element i of the words, which are in registers. */
static __device__ __forceinline__ guint32
sng_pick_word (uint4 words, unsigned i)
{
  guint32 low = (i & 1) != 0 ? words.y : words.x, high = (i & 1) != 0 ? words.w : words.z;

  return (i & 2) != 0 ? high : low;
}

/* ---- elements of each format ---- */

struct SngFormatF64
{
  typedef double Value;

  static constexpr unsigned SIZE = 8;

  static __device__ __forceinline__ double
  take (guint32 low, guint32 high, unsigned)
  {
    return __longlong_as_double ((long long) ((guint64) high << 32 | low));
  }
};

struct SngFormatF32
{
  typedef float Value;

  static constexpr unsigned SIZE = 4;

  static __device__ __forceinline__ float
  take (guint32 word, unsigned)
  {
    return __uint_as_float (word);
  }
};

template <typename T>
struct SngFormat16
{
  typedef float Value;

  static constexpr unsigned SIZE = 2;

  static __device__ __forceinline__ float
  take (guint32 word, unsigned i)
  {
    return sng_to_real (T { (guint16) (word >> 16 * i) });
  }
};

/* Exponent and significand are shifted to where a float has them, and multiplied by what the biases differ by: without a branch,
 * as on the CPU. Codes from first_special up, without their sign, are no finite numbers; where that is 0, the negative zero alone. */
template <unsigned shift, int exponent, unsigned first_special>
struct SngFormat8
{
  typedef float Value;

  static constexpr unsigned SIZE = 1;

  static __device__ __forceinline__ float
  take (guint32 word, unsigned i)
  {
    guint32 code = word >> 8 * i & 0xff, rest = code & 0x7f;
    bool special = first_special > 0 ? rest >= first_special : code == 0x80;
    float value = __uint_as_float (rest << shift) * __uint_as_float ((guint32) (127 + exponent) << 23);

    return __uint_as_float ((special ? 0x7f800000u : __float_as_uint (value)) | (code & 0x80) << 24);
  }
};

typedef SngFormat8<20, 120, 0x7f> SngFormatF8E4M3;
typedef SngFormat8<21, 112, 0x7c> SngFormatF8E5M2;
typedef SngFormat8<20, 119, 0> SngFormatF8E4M3Fnuz;
typedef SngFormat8<21, 111, 0> SngFormatF8E5M2Fnuz;

/* Powers of two; the least is no normal float. */
struct SngFormatF8E8M0
{
  typedef float Value;

  static constexpr unsigned SIZE = 1;

  static __device__ __forceinline__ float
  take (guint32 word, unsigned i)
  {
    guint32 code = word >> 8 * i & 0xff;

    return __uint_as_float (code > 0 ? code << 23 : 0x00400000u);
  }
};

/* ---- floating point ---- */

template <typename Format>
struct SngFloatSummary
{
  typedef typename Format::Value Value;

  static constexpr unsigned AT_ONCE = Format::SIZE == 1 ? 2 : 8;

  Value    low, high;
  double   running[4];
  unsigned n_done;
  SngSummary sums;

  __device__ __forceinline__ void
  begin ()
  {
    low = (Value) INFINITY;
    high = (Value) -INFINITY;
    for (unsigned i = 0; i < 4; i++)
      running[i] = 0;
  }

  __device__ __forceinline__ void
  add_value (unsigned place, Value value)
  {
    low = min_of (low, value);
    high = max_of (high, value);
    running[place] += (double) value;
  }

  /* Four elements that lie side by side in 4 * SIZE bytes. */
  __device__ __forceinline__ void
  add_words (const guint32 *words)
  {
#pragma unroll
    for (unsigned i = 0; i < 4; i++)
      add_value (i, Format::take (words[i * Format::SIZE / 4], i % (4 / Format::SIZE)));
  }

  template <unsigned parity>
  __device__ __forceinline__ void
  add (uint4 words, unsigned stripe, unsigned n, unsigned quad)
  {
    unsigned n_rows = n / SNG_SUMMARY_ROW;

    if constexpr (Format::SIZE == 8)
      add_half_row<parity> (words, stripe / 2 < n_rows);
    else if constexpr (Format::SIZE == 4)
      {
        const guint32 row[] = { words.x, words.y, words.z, words.w };

        if (stripe < n_rows)
          add_words (row);
      }
    else if constexpr (Format::SIZE == 2)
      add_two_rows (words, n_rows > 2 * stripe ? n_rows - 2 * stripe : 0, quad);
    else
      add_four_rows (words, n_rows > 4 * stripe ? n_rows - 4 * stripe : 0, quad);
  }

  /* Places 2 q, 2 q + 1 of the even stripe and 2 q + 8, 2 q + 9 of the odd one. */
  template <unsigned parity>
  __device__ __forceinline__ void
  add_half_row (uint4 words, bool whole)
  {
    if (!whole)
      return;
    add_value (2 * parity, SngFormatF64::take (words.x, words.y, 0));
    add_value (2 * parity + 1, SngFormatF64::take (words.z, words.w, 0));
  }

  /* A lane has 8 places of a row, and the lane two on those of the next row. Each keeps half of the places. */
  __device__ __forceinline__ void
  add_two_rows (uint4 words, unsigned n_rows, unsigned quad)
  {
    bool upper = quad >= 2;
    guint32 first = sng_quad_xor (upper ? words.x : words.z, 2), second = sng_quad_xor (upper ? words.y : words.w, 2);
    const guint32 even[] = { upper ? first : words.x, upper ? second : words.y };
    const guint32 odd[] = { upper ? words.z : first, upper ? words.w : second };

    if (n_rows > 0)
      add_words (even);
    if (n_rows > 1)
      add_words (odd);
  }

  /* Each lane has a row, and keeps word q of each. */
  __device__ __forceinline__ void
  add_four_rows (uint4 words, unsigned n_rows, unsigned quad)
  {
    guint32 from[4];

    from[0] = sng_pick_word (words, quad);
#pragma unroll
    for (unsigned distance = 1; distance < 4; distance++)
      from[distance] = sng_quad_xor (sng_pick_word (words, quad ^ distance), (int) distance);

#pragma unroll
    for (unsigned row = 0; row < 4; row++)
      {
        guint32 word = sng_pick_word (make_uint4 (from[0], from[1], from[2], from[3]), quad ^ row);

        if (row < n_rows)
          add_words (&word);
      }
  }

  /* The tree of the CPU: ((0 + 4) + (8 + 12)) of each place modulo 4, and of these ((0 + 1) + (2 + 3)). */
  __device__ __forceinline__ double
  sum_quad () const
  {
    double sums[4];

    if constexpr (Format::SIZE == 8)
      {
        for (unsigned i = 0; i < 4; i++)
          sums[i] = running[i] + sng_quad_xor (running[i], 2);
        sums[0] = (sums[0] + sums[2]) + (sums[1] + sums[3]);
        return sums[0] + sng_quad_xor (sums[0], 1);
      }
    else
      {
        constexpr int first = Format::SIZE == 2 ? 2 : 1;

        for (unsigned i = 0; i < 4; i++)
          {
            sums[i] = running[i] + sng_quad_xor (running[i], first);
            sums[i] += sng_quad_xor (sums[i], 3 - first);
          }
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
      }
  }

  /* A block whose sum is not finite is taken one by one. */
  __device__ __forceinline__ void
  end (unsigned n, unsigned)
  {
    low = min_of (low, sng_quad_xor (low, 1));
    low = min_of (low, sng_quad_xor (low, 2));
    high = max_of (high, sng_quad_xor (high, 1));
    high = max_of (high, sng_quad_xor (high, 2));
    sums.sum = sum_quad ();
    sums.minimum = low;
    sums.maximum = high;
    sums.n_non_finite = 0;
    n_done = n - n % SNG_SUMMARY_ROW;
    if (!isfinite (sums.sum))
      {
        n_done = 0;
        sums.sum = 0;
        sums.minimum = INFINITY;
        sums.maximum = -INFINITY;
      }
  }

  __device__ __forceinline__ void
  each (uint4 words, unsigned first, unsigned n)
  {
    for (unsigned i = 0; i < 16 / Format::SIZE; i++)
      if (first + i >= n_done && first + i < n)
        add_each (take (words, i));
  }

  static __device__ __forceinline__ double
  take (uint4 words, unsigned i)
  {
    if constexpr (Format::SIZE == 8)
      return Format::take (sng_pick_word (words, 2 * i), sng_pick_word (words, 2 * i + 1), 0);
    else
      return Format::take (sng_pick_word (words, i * Format::SIZE / 4), i % (4 / Format::SIZE));
  }

  __device__ __forceinline__ void
  add_each (double value)
  {
    if (!isfinite (value))
      {
        sums.n_non_finite++;
        return;
      }
    sums.minimum = fmin (sums.minimum, value);
    sums.maximum = fmax (sums.maximum, value);
    sums.sum += value;
  }

  static __device__ __forceinline__ Value
  min_of (Value a, Value b)
  {
    if constexpr (Format::SIZE == 8)
      return fmin (a, b);
    else
      return fminf (a, b);
  }

  static __device__ __forceinline__ Value
  max_of (Value a, Value b)
  {
    if constexpr (Format::SIZE == 8)
      return fmax (a, b);
    else
      return fmaxf (a, b);
  }
};

/* ---- integers ---- */

/* Sums in 64 bits are exact for elements of up to 32, and for wider ones below 2^44. Others wrap, and are added as F64, one by one. */
template <typename T>
struct SngIntegerSummary
{
  static constexpr unsigned SIZE = sizeof (T);
  static constexpr unsigned PER_LANE = 16 / SIZE;
  static constexpr unsigned AT_ONCE = SIZE == 1 ? 2 : 4;
  static constexpr T LEAST = std::numeric_limits<T>::min ();
  static constexpr T GREATEST = std::numeric_limits<T>::max ();

  typedef typename std::conditional<(sizeof (T) < 4), gint32, guint64>::type Sum; /* a lane's 1024 bytes */
  typedef typename std::conditional<(sizeof (T) < 4), gint32, T>::type Bound;

  Bound    low, high;
  Sum      running;
  unsigned n_done;
  SngSummary sums;

  __device__ __forceinline__ void
  begin ()
  {
    low = GREATEST;
    high = LEAST;
    running = 0;
  }

  static __device__ __forceinline__ T
  take (uint4 words, unsigned i)
  {
    if constexpr (SIZE == 8)
      return (T) ((guint64) sng_pick_word (words, 2 * i + 1) << 32 | sng_pick_word (words, 2 * i));
    else
      return (T) (sng_pick_word (words, i * SIZE / 4) >> i % (4 / SIZE) * 8 * SIZE);
  }

  template <unsigned parity>
  __device__ __forceinline__ void
  add (uint4 words, unsigned stripe, unsigned n, unsigned quad)
  {
    unsigned first = (4 * stripe + quad) * PER_LANE;

    if (first + PER_LANE > n)
      {
#pragma unroll 1
        for (unsigned i = 0; first + i < n; i++)
          add_value (take (words, i));
        return;
      }
#pragma unroll
    for (unsigned i = 0; i < PER_LANE; i++)
      add_value (take (words, i));
  }

  __device__ __forceinline__ void
  add_value (T value)
  {
    low = value < low ? value : low;
    high = value > high ? value : high;
    running += (Sum) value;
  }

  __device__ __forceinline__ void
  end (unsigned n, unsigned)
  {
    guint64 sum = (guint64) running;

    for (int bits = 1; bits < 4; bits *= 2)
      {
        Bound other_low = sng_quad_xor (low, bits), other_high = sng_quad_xor (high, bits);

        low = other_low < low ? other_low : low;
        high = other_high > high ? other_high : high;
        sum += sng_quad_xor (sum, bits);
      }
    sums.minimum = (double) low;
    sums.maximum = (double) high;
    sums.sum = (double) (gint64) sum;
    sums.n_non_finite = 0;
    n_done = n;
    if (SIZE == 8 && fmax (fabs (sums.minimum), fabs (sums.maximum)) > 0x1p44)
      {
        sums.sum = 0;
        n_done = 0;
      }
  }

  __device__ __forceinline__ void
  each (uint4 words, unsigned first, unsigned n)
  {
    for (unsigned i = 0; i < PER_LANE; i++)
      if (first + i < n)
        sums.sum += (double) take (words, i);
  }
};

/* ---- where none is wanted ---- */

struct SngNoSummary
{
  static constexpr unsigned AT_ONCE = 8;

  unsigned n_done;
  SngSummary sums;

  __device__ __forceinline__ void
  begin ()
  {
    sums = SngSummary {};
  }

  template <unsigned parity>
  __device__ __forceinline__ void
  add (uint4, unsigned, unsigned, unsigned)
  {
  }

  __device__ __forceinline__ void
  end (unsigned n, unsigned)
  {
    n_done = n;
  }

  __device__ __forceinline__ void
  each (uint4, unsigned, unsigned)
  {
  }
};
