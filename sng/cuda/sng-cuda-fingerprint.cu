/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-kernel.h"
#include "cuda/sng-cuda-fingerprint-formulas.h"
#include "cuda/sng-cuda-fingerprint-list.h"
#include "cuda/sng-cuda-fingerprint-sums.h"
#include "cuda/sng-cuda-private.h"
#include "cuda/sng-cuda-summary.h"
#include "cuda/sng-cuda-view.h"

/* The fingerprints of a list of tensors in one launch.
 *
 * A quad of lanes hashes a block of 4096 bytes, stripe by stripe, and needs no other lane until its end. A warp has 8 blocks of one
 * tensor side by side, a thread block 8 warps: a group of 64 blocks, as docs/fingerprint.md has it, or some smaller tensors. So
 * the sums of a group are combined in shared memory, and only those of tensors of several groups meet in the device's: the thread block
 * that is the last one to be done with its group adds them in their order. Which one that is does not matter. */

namespace
{

struct Keys
{
  guint64 words[SNG_HASH_N_KEYS];
};

constexpr Keys
make_keys ()
{
  Keys keys = {};

  for (unsigned i = 0; i < SNG_HASH_N_KEYS; i++)
    keys.words[i] = sng_hash_key (i);
  return keys;
}

__constant__ const Keys keys = make_keys ();

/* ---- a block ---- */

static __device__ __forceinline__ guint64
join (guint32 low, guint32 high)
{
  return (guint64) high << 32 | low;
}

static __device__ __forceinline__ void
add_stripe (SngHashLane *hash, uint4 words, ulonglong2 keys)
{
  sng_hash_lane_add (hash, join (words.x, words.y), join (words.z, words.w), keys.x, keys.y);
}

/* The keys of the table from word i on, for this lane. */
static __device__ __forceinline__ ulonglong2
get_keys (const ulonglong2 *keys, unsigned i, unsigned lane)
{
  return keys[i / 2 + lane];
}

/* What is left at the end, or a block that is not finite: by the quad's first lane. */
template <typename Summary>
static __device__ void
summarize_rest (const Place &place, Summary *summary, unsigned n, unsigned size)
{
  unsigned per_lane = 16 / size;

  if (place.lane != 0)
    return;
  for (unsigned first = summary->n_done / per_lane * per_lane; first < n; first += per_lane)
    summary->each (gather (place.tensor, place.block * SNG_FINGERPRINT_BLOCK_SIZE + first * size), first, n);
}

static __device__ __forceinline__ guint64
sum_quad (guint64 value)
{
  value += sng_quad_xor (value, 1);
  return value + sng_quad_xor (value, 2);
}

/* The hash, mixed with the block's number; all of the quad have it. */
static __device__ __forceinline__ Hash
finish_hash (const Place &place, const SngHashLane *lane, const ulonglong2 *keys)
{
  ulonglong2 low_keys = get_keys (keys, SNG_HASH_KEYS_LOW, place.lane);
  ulonglong2 high_keys = get_keys (keys, SNG_HASH_KEYS_HIGH, place.lane);
  guint64 low = sum_quad (sng_hash_lane_end (lane, low_keys.x, low_keys.y));
  guint64 high = sum_quad (sng_hash_lane_end (lane, high_keys.x, high_keys.y));
  Hash hash = { 0, 0 };

  if (place.n_bytes > 0)
    sng_fingerprint_add_block (&hash.low, &hash.high, sng_hash_finish_low (low), sng_hash_finish_high (high), place.block);
  return hash;
}

/* size is that of an element, or of its real and of its imaginary part. */
template <typename Summary>
static __device__ __forceinline__ Hash
read_block (const Place &place, const ulonglong2 *keys, unsigned size, SngSummary *sums)
{
  constexpr unsigned AT_ONCE = Summary::AT_ONCE;
  SngHashLane hash = sng_hash_lane_begin (place.lane);
  unsigned n = place.n_bytes / size;
  Summary summary;

  summary.begin ();
#pragma unroll 1
  for (unsigned round = 0; round < SNG_HASH_ROUNDS; round++)
    {
      ulonglong2 scramble = get_keys (keys, SNG_HASH_KEYS_SCRAMBLE, place.lane);

#pragma unroll 1
      for (unsigned part = 0; part < SNG_HASH_ROUND_STRIPES; part += AT_ONCE)
        {
          unsigned stripe = round * SNG_HASH_ROUND_STRIPES + part;
          uint4 words[AT_ONCE];

          load<AT_ONCE> (place, stripe, words);
#pragma unroll
          for (unsigned i = 0; i < AT_ONCE; i += 2)
            {
              bool last = stripe + i + 2 == SNG_HASH_ROUNDS * SNG_HASH_ROUND_STRIPES;
              unsigned even_keys = SNG_HASH_KEYS_STRIPE + (part + i) * 8;
              unsigned odd_keys = last ? (unsigned) SNG_HASH_KEYS_LAST : even_keys + 8;

              add_stripe (&hash, words[i], get_keys (keys, even_keys, place.lane));
              add_stripe (&hash, words[i + 1], get_keys (keys, odd_keys, place.lane));
              summary.template add<0> (words[i], stripe + i, n, place.lane);
              summary.template add<1> (words[i + 1], stripe + i + 1, n, place.lane);
            }
        }
      if (round < SNG_HASH_ROUNDS - 1)
        sng_hash_lane_scramble (&hash, scramble.x, scramble.y);
    }

  summary.end (n, place.lane);
  if (summary.n_done < n)
    summarize_rest (place, &summary, n, size);
  *sums = summary.sums;
  return finish_hash (place, &hash, keys);
}

static __device__ Hash
read_block_of (const Place &place, const ulonglong2 *keys, SngSummary *sums)
{
  switch (place.tensor->dtype)
    {
    case SNG_DTYPE_F64:
      return read_block<SngFloatSummary<SngFormatF64>> (place, keys, 8, sums);
    case SNG_DTYPE_F32:
    case SNG_DTYPE_C64:
      return read_block<SngFloatSummary<SngFormatF32>> (place, keys, 4, sums);
    case SNG_DTYPE_BF16:
      return read_block<SngFloatSummary<SngFormat16<SngBf16>>> (place, keys, 2, sums);
    case SNG_DTYPE_F16:
      return read_block<SngFloatSummary<SngFormat16<SngF16>>> (place, keys, 2, sums);
    case SNG_DTYPE_I64:
      return read_block<SngIntegerSummary<gint64>> (place, keys, 8, sums);
    case SNG_DTYPE_I32:
      return read_block<SngIntegerSummary<gint32>> (place, keys, 4, sums);
    case SNG_DTYPE_I16:
      return read_block<SngIntegerSummary<gint16>> (place, keys, 2, sums);
    case SNG_DTYPE_I8:
      return read_block<SngIntegerSummary<gint8>> (place, keys, 1, sums);
    case SNG_DTYPE_U16:
      return read_block<SngIntegerSummary<guint16>> (place, keys, 2, sums);
    case SNG_DTYPE_U32:
      return read_block<SngIntegerSummary<guint32>> (place, keys, 4, sums);
    case SNG_DTYPE_U64:
      return read_block<SngIntegerSummary<guint64>> (place, keys, 8, sums);
    case SNG_DTYPE_F8_E4M3:
      return read_block<SngFloatSummary<SngFormatF8E4M3>> (place, keys, 1, sums);
    case SNG_DTYPE_F8_E5M2:
      return read_block<SngFloatSummary<SngFormatF8E5M2>> (place, keys, 1, sums);
    case SNG_DTYPE_F8_E8M0:
      return read_block<SngFloatSummary<SngFormatF8E8M0>> (place, keys, 1, sums);
    case SNG_DTYPE_F8_E4M3FNUZ:
      return read_block<SngFloatSummary<SngFormatF8E4M3Fnuz>> (place, keys, 1, sums);
    case SNG_DTYPE_F8_E5M2FNUZ:
      return read_block<SngFloatSummary<SngFormatF8E5M2Fnuz>> (place, keys, 1, sums);
    default: /* U8, BOOL */
      return read_block<SngIntegerSummary<guint8>> (place, keys, 1, sums);
    }
}

/* ---- what is kept ---- */

/* What the warps of a thread block leave to the first one of each tensor. */
template <bool summarize>
struct Shared
{
  ulonglong2 keys[SNG_HASH_N_KEYS / 2];
  Hash hashes[WARPS];
  SngSummary summaries[summarize ? WARPS * QUADS : 1];
};

/* One warp, for its tensor's blocks in this thread block. */
template <bool summarize>
static __device__ Kept<summarize>
combine_group (const Shared<summarize> &shared, unsigned first_warp, unsigned n_blocks)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP, n_warps = (n_blocks + QUADS - 1) / QUADS;
  Kept<summarize> kept = {};

  for (unsigned i = 0; i < n_warps; i++)
    add_hash (&kept.hash, shared.hashes[first_warp + i]);

  if constexpr (summarize)
    {
      kept.summary = get_empty_summary ();
      for (unsigned first = 0; first < n_blocks; first += SNG_CUDA_WARP)
        {
          unsigned n = n_blocks - first < SNG_CUDA_WARP ? n_blocks - first : SNG_CUDA_WARP;
          SngSummary more = lane < n ? shared.summaries[first_warp * QUADS + first + lane] : get_empty_summary ();

          add_summaries (&kept.summary, more, n);
        }
    }
  return kept;
}

/* One warp, when its tensor's group is done. */
template <bool summarize>
static __device__ void
keep (const Kept<summarize> &kept,
      const Tensor *tensor,
      unsigned group,
      Kept<summarize> *result,
      Kept<summarize> *groups,
      unsigned *n_done)
{
  unsigned lane = threadIdx.x % SNG_CUDA_WARP, n_groups = count_groups (tensor), n_before = 0;

  if (n_groups == 1)
    {
      write_result (result, kept);
      return;
    }

  groups += tensor->first_group;
  if (lane == 0)
    {
      groups[group] = kept;
      __threadfence ();
      n_before = atomicAdd (n_done, 1u);
      __threadfence ();
    }
  __syncwarp (); /* a shuffle alone does not order what the lanes read next behind the fence of the first one */
  n_before = __shfl_sync (SNG_CUDA_FULL_MASK, n_before, 0);
  if (n_before == n_groups - 1)
    write_result (result, combine_tensor<summarize> (groups, n_groups));
}

/* ---- the kernel ---- */

/* One warp: a block a quad. */
template <bool summarize>
static __device__ __forceinline__ void
read_blocks (const Place &place, Shared<summarize> *shared)
{
  unsigned warp = threadIdx.x / SNG_CUDA_WARP, lane = threadIdx.x % SNG_CUDA_WARP;
  SngSummary sums;
  Hash hash;

  if constexpr (summarize)
    hash = read_block_of (place, shared->keys, &sums);
  else
    hash = read_block<SngNoSummary> (place, shared->keys, 1, &sums);

  hash = sum_hashes (hash, SNG_HASH_LANES);
  if (lane == 0)
    shared->hashes[warp] = hash;
  if constexpr (summarize)
    if (place.lane == 0)
      shared->summaries[warp * QUADS + lane / SNG_HASH_LANES] = sums;
}

/* 64 KiB of loads are under way on a multiprocessor with 2 thread blocks. n_done counts the groups of each tensor; the results lie in
 * the host's memory. */
template <bool summarize>
__global__ void __launch_bounds__ (THREADS, 2)
fingerprint_kernel (const __grid_constant__ List list,
                    Kept<summarize> *results,
                    Kept<summarize> *groups,
                    unsigned *n_done)
{
  __shared__ Shared<summarize> shared;
  const Tensor *tensors = list.uploaded != nullptr ? list.uploaded : reinterpret_cast<const Tensor *> (list.bytes);
  unsigned warp_of_block = threadIdx.x / SNG_CUDA_WARP;
  unsigned warp = blockIdx.x * WARPS + warp_of_block;
  unsigned index = find_tensor (tensors, list.n_tensors, warp);
  const Tensor *tensor = tensors + index;
  unsigned warp_of_tensor = warp - tensor->first_warp;
  bool has_blocks = warp_of_tensor < count_warps (tensor);

  for (unsigned i = threadIdx.x; i < SNG_HASH_N_KEYS / 2; i += THREADS)
    shared.keys[i] = make_ulonglong2 (keys.words[2 * i], keys.words[2 * i + 1]);
  __syncthreads ();

  if (has_blocks)
    read_blocks<summarize> (get_place (tensor, warp_of_tensor), &shared);
  __syncthreads ();

  /* The first warp here of each tensor. */
  if (has_blocks && (warp_of_tensor == 0 || warp_of_block == 0))
    {
      guint64 n_blocks = (tensor->n_bytes + SNG_FINGERPRINT_BLOCK_SIZE - 1) / SNG_FINGERPRINT_BLOCK_SIZE;
      guint64 n_left = n_blocks - (guint64) warp_of_tensor * QUADS;
      unsigned n_here = n_left < SNG_FINGERPRINT_GROUP_BLOCKS ? (unsigned) n_left : SNG_FINGERPRINT_GROUP_BLOCKS;

      keep<summarize> (combine_group<summarize> (shared, warp_of_block, n_here), tensor, warp_of_tensor / WARPS,
                       results + index, groups, n_done + index);
    }
}

/* ---- the host's side ---- */

/* The list while it grows, and which of the callers' tensors are in it. */
typedef struct
{
  Tensor *tensors;
  gsize *indices;
  GArray *dims;
  unsigned n;
  guint32 n_warps;
  guint32 n_groups;
} Builder;

static void
builder_add (Builder *self, gsize index, const SngRegion *elements)
{
  const SngLayout *layout = elements->layout;
  gsize item_size = sng_dtype_get_size (layout->dtype);
  Tensor *tensor = &self->tensors[self->n];
  SngCudaView view;

  tensor->data = static_cast<const char *> (elements->data);
  tensor->n_bytes = (guint64) layout->n_elements * item_size;
  sng_cuda_view_init (&view, layout, item_size, (guint64) (gsize) tensor->data | tensor->n_bytes, 8);

  /* No tensor goes over the end of a thread block without a need. */
  if (self->n_warps % WARPS + count_warps (tensor) > WARPS)
    self->n_warps += (WARPS - self->n_warps % WARPS) % WARPS;
  tensor->first_warp = self->n_warps;
  tensor->first_group = self->n_groups;

  tensor->dims = (guint32) (self->dims->len * sizeof (SngCudaDim));
  tensor->n_dims = sng_cuda_view_is_contiguous (&view) ? 0 : (guint8) view.n_dims;
  tensor->unit = (guint8) view.unit;
  tensor->dtype = (guint8) layout->dtype;
  tensor->direct = tensor->n_dims == 0 && (gsize) tensor->data % 16 == 0;
  g_array_append_vals (self->dims, view.dims, tensor->n_dims);

  self->indices[self->n++] = index;
  self->n_warps += count_warps (tensor);
  if (count_groups (tensor) > 1)
    self->n_groups += count_groups (tensor);
}

/* The dimensions come behind the last tensor. */
static gboolean
builder_finish (const Builder *self, SngDevice *device, List *list)
{
  gsize n_tensor_bytes = self->n * sizeof (Tensor), n_dim_bytes = self->dims->len * sizeof (SngCudaDim);
  gsize n_bytes = n_tensor_bytes + n_dim_bytes;
  gboolean fits = n_bytes <= sizeof list->bytes;
  char *bytes = fits ? list->bytes : static_cast<char *> (g_malloc (n_bytes));

  for (unsigned i = 0; i < self->n; i++)
    self->tensors[i].dims += (guint32) ((self->n - i) * sizeof (Tensor));
  memcpy (bytes, self->tensors, n_tensor_bytes);
  if (n_dim_bytes > 0)
    memcpy (bytes + n_tensor_bytes, self->dims->data, n_dim_bytes);
  list->n_tensors = self->n;
  list->uploaded = NULL;
  if (fits)
    return TRUE;

  list->uploaded = static_cast<const Tensor *> (sng_cuda_device_upload_arguments (device, bytes, n_bytes));
  g_free (bytes);
  return list->uploaded != NULL;
}

static void
set_sums (SngBlockSums *sums, const Kept<false> &kept)
{
  sums->low = kept.hash.low;
  sums->high = kept.hash.high;
}

static void
set_sums (SngBlockSums *sums, const Kept<true> &kept)
{
  sums->low = kept.hash.low;
  sums->high = kept.hash.high;
  sums->minimum = kept.summary.minimum;
  sums->maximum = kept.summary.maximum;
  sums->sum = kept.summary.sum;
  sums->n_non_finite = kept.summary.n_non_finite;
}

/* Memory for the sums of groups and behind them the counts of those that are done, which are 0: NULL where no tensor has
 * several groups. */
template <bool summarize>
static gboolean
builder_get_groups (const Builder *self, SngDevice *device, cudaStream_t stream, Kept<summarize> **groups)
{
  gsize n_bytes = self->n_groups * sizeof **groups, n_count_bytes = self->n * sizeof (unsigned);

  *groups = NULL;
  if (self->n_groups == 0)
    return TRUE;

  *groups = static_cast<Kept<summarize> *> (
      sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_FINGERPRINT, n_bytes + n_count_bytes));
  return *groups != NULL
         && sng_cuda_device_check (device, cudaMemsetAsync (*groups + self->n_groups, 0, n_count_bytes, stream),
                                   "[cuda][fingerprint]");
}

/* Of a failure the device keeps a note, and the sums stay those of nothing. */
template <bool summarize>
static void
builder_run (const Builder *self, SngDevice *device, SngBlockSums *sums)
{
  cudaStream_t stream = sng_cuda_device_enter (device);
  Kept<summarize> *groups, *results;
  SngCudaSlot *slot;
  List list;

  if (!builder_finish (self, device, &list) || !builder_get_groups (self, device, stream, &groups))
    return;
  slot = sng_cuda_device_take_slot (device, self->n * sizeof *results);
  if (slot == NULL)
    return;

  results = static_cast<Kept<summarize> *> (sng_cuda_slot_get_data (slot));
  if (sng_cuda_device_check (device,
                             sng_cuda_launch (fingerprint_kernel<summarize>, dim3 ((self->n_warps + WARPS - 1) / WARPS),
                                              dim3 (THREADS), 0, stream, list, results, groups,
                                              reinterpret_cast<unsigned *> (groups + self->n_groups)),
                             "[cuda][fingerprint]")
      && sng_cuda_device_wait (device, "[cuda][fingerprint]"))
    for (unsigned i = 0; i < self->n; i++)
      set_sums (&sums[self->indices[i]], results[i]);
  sng_cuda_device_return_slot (device, slot);
}

} // namespace

extern "C" void
sng_cuda_fingerprint (SngDevice *device, gsize n, const SngRegion *elements, gboolean summarize, SngBlockSums *sums)
{
  const SngBlockSums nothing = { 0, 0, INFINITY, -INFINITY, 0, 0 };
  Builder list = { g_new (Tensor, n), g_new (gsize, n), g_array_new (FALSE, FALSE, sizeof (SngCudaDim)), 0, 0, 0 };

  for (gsize i = 0; i < n; i++)
    {
      sums[i] = nothing;
      if (elements[i].layout->n_elements > 0)
        builder_add (&list, i, &elements[i]);
    }

  if (list.n > 0 && summarize)
    builder_run<true> (&list, device, sums);
  else if (list.n > 0)
    builder_run<false> (&list, device, sums);

  g_array_unref (list.dims);
  g_free (list.indices);
  g_free (list.tensors);
}
