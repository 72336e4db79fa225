/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-private.h"

#include <math.h>

#include "cpu/sng-cpu-blocks-private.h"

/* The fingerprint of a tensor on the processor: chunks of a fixed number of blocks on all threads. */

#define CHUNK_SIZE (SNG_FINGERPRINT_GROUP_BLOCKS * SNG_FINGERPRINT_BLOCK_SIZE)
/* So many chunks' sums are kept on the stack; a larger tensor is hashed wave by wave. */
#define CHUNKS_PER_WAVE 128

typedef struct
{
  SngCpuBlocksFunc blocks;
  const char *data;
  const SngLayout *layout;
  gboolean summarize;
  gsize n_bytes;
  gsize first_chunk; /* of the wave */
  SngBlockSums *sums;
} Pass;

static const SngBlockSums nothing = { .minimum = INFINITY, .maximum = -INFINITY };

SngCpuBlocksFunc
sng_cpu_blocks_choose (void)
{
#ifdef SNG_HAVE_AVX2
  if (__builtin_cpu_supports ("avx2"))
    return sng_cpu_blocks_avx2;
#endif

  return sng_cpu_blocks_plain;
}

/* Elements that do not lie side by side are brought together one block at a time. */
static void
hash_strided (Pass *pass, gsize begin, gsize end, SngBlockSums *sums)
{
  guint8 block[SNG_FINGERPRINT_BLOCK_SIZE] __attribute__ ((aligned (64)));
  gsize item_size = sng_dtype_get_size (pass->layout->dtype);

  for (; begin < end; begin += sizeof block)
    {
      gsize n = MIN (end - begin, sizeof block);

      sng_cpu_gather (NULL, block, pass->data, pass->layout, begin / item_size, n / item_size);
      pass->blocks (block, n, begin / sizeof block, pass->layout->dtype, pass->summarize, sums);
    }
}

static void
hash_chunk (gpointer data, guint chunk)
{
  Pass *pass = data;
  gsize begin = (pass->first_chunk + chunk) * CHUNK_SIZE;
  gsize end = MIN (begin + CHUNK_SIZE, pass->n_bytes);
  SngBlockSums sums = nothing;

  if (pass->layout->contiguous)
    pass->blocks ((const guint8 *) pass->data + begin, end - begin, begin / SNG_FINGERPRINT_BLOCK_SIZE,
                  pass->layout->dtype, pass->summarize, &sums);
  else
    hash_strided (pass, begin, end, &sums);

  pass->sums[chunk] = sums;
}

static void
add_sums (SngBlockSums *sums, const SngBlockSums *more)
{
  sng_fingerprint_add (&sums->low, &sums->high, more->low, more->high);
  sums->minimum = MIN (sums->minimum, more->minimum);
  sums->maximum = MAX (sums->maximum, more->maximum);
  sums->sum += more->sum;
  sums->n_non_finite += more->n_non_finite;
}

static void
fingerprint_tensor (SngDevice *device,
                    gconstpointer data,
                    const SngLayout *layout,
                    gboolean summarize,
                    SngBlockSums *sums)
{
  SngBlockSums wave[CHUNKS_PER_WAVE];
  Pass pass = {
    .blocks = sng_cpu_blocks_choose (),
    .data = data,
    .layout = layout,
    .summarize = summarize,
    .n_bytes = layout->n_elements * sng_dtype_get_size (layout->dtype),
    .sums = wave,
  };
  gsize n_chunks = pass.n_bytes / CHUNK_SIZE + (pass.n_bytes % CHUNK_SIZE > 0);

  *sums = nothing;

  for (; pass.first_chunk < n_chunks; pass.first_chunk += CHUNKS_PER_WAVE)
    {
      guint n = MIN (n_chunks - pass.first_chunk, CHUNKS_PER_WAVE);

      sng_cpu_parallel_for (device, n, hash_chunk, &pass);
      for (guint i = 0; i < n; i++)
        add_sums (sums, &wave[i]);
    }
}

void
sng_cpu_fingerprint (SngDevice *device,
                     gsize n,
                     const SngRegion *elements,
                     gboolean summarize,
                     SngBlockSums *sums)
{
  for (gsize i = 0; i < n; i++)
    fingerprint_tensor (device, elements[i].data, elements[i].layout, summarize, &sums[i]);
}
