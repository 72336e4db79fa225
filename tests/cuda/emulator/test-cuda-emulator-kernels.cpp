/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-cuda-emulator.h"

#include <algorithm>

/* ---- barriers ---- */

template <bool waits>
static __global__ void
reverse (float *values)
{
  __shared__ float shared[256];

  shared[threadIdx.x] = values[threadIdx.x];
  if (waits)
    __syncthreads ();
  values[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

static std::vector<float>
ascending (size_t n)
{
  std::vector<float> values (n);

  for (size_t i = 0; i < n; i++)
    values[i] = (float) i;
  return values;
}

static void
test_barrier (void)
{
  float *values = to_device (ascending (200));

  assert_cuda (sng_cuda_launch (reverse<true>, 1, 200, 0, nullptr, values));
  for (size_t i = 0; i < 200; i++)
    g_assert_cmpfloat (from_device (values, 200)[i], ==, (float) (199 - i));

  /* The first thread runs before the last one has written. */
  assert_cuda (sng_cuda_launch (reverse<false>, 1, 200, 0, nullptr, values));
  g_assert_false (std::isfinite (from_device (values, 200)[0]));
  assert_cuda (cudaFree (values));
}

static __global__ void
look_at_shared (float *seen)
{
  __shared__ float shared[3][5];
  float *dynamic = sng_cuda_shared<float> ();
  float *all = &shared[0][0];

  if (threadIdx.x < 15)
    {
      seen[blockIdx.x * 32 + threadIdx.x] = all[threadIdx.x];
      all[threadIdx.x] = 1.0f;
    }
  else
    {
      seen[blockIdx.x * 32 + threadIdx.x] = dynamic[threadIdx.x - 15];
      dynamic[threadIdx.x - 15] = 1.0f;
    }
}

/* No block finds what another one has left. */
static void
test_fresh_shared (void)
{
  float *seen = to_device (std::vector<float> (96));

  assert_cuda (sng_cuda_launch (look_at_shared, 3, 32, 17 * sizeof (float), nullptr, seen));
  for (float value : from_device (seen, 96))
    g_assert_false (std::isfinite (value));
  assert_cuda (cudaFree (seen));
}

static __global__ void
count_positions (unsigned *counts)
{
  unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);

  atomicAdd (&counts[block * 30 + thread], 1u);
}

static void
test_positions (void)
{
  unsigned *counts = to_device (std::vector<unsigned> (24 * 30));

  assert_cuda (sng_cuda_launch (count_positions, dim3 (2, 3, 4), dim3 (5, 3, 2), 0, nullptr, counts));
  for (unsigned count : from_device (counts, 24 * 30))
    g_assert_cmpuint (count, ==, 1);
  assert_cuda (cudaFree (counts));
}

/* ---- warps ---- */

template <typename T>
static __global__ void
shuffle_all (T *out)
{
  T value = (T) threadIdx.x;

  out[threadIdx.x * 4 + 0] = __shfl_sync (SNG_CUDA_FULL_MASK, value, 5);
  out[threadIdx.x * 4 + 1] = __shfl_xor_sync (SNG_CUDA_FULL_MASK, value, 4);
  out[threadIdx.x * 4 + 2] = __shfl_down_sync (SNG_CUDA_FULL_MASK, value, 3);
  out[threadIdx.x * 4 + 3] = __shfl_up_sync (SNG_CUDA_FULL_MASK, value, 2);
}

template <typename T>
static void
check_shuffles (void)
{
  T *device = to_device (std::vector<T> (64 * 4));

  assert_cuda (sng_cuda_launch (shuffle_all<T>, 1, 64, 0, nullptr, device));
  std::vector<T> out = from_device (device, 64 * 4);
  for (unsigned i = 0; i < 64; i++)
    {
      unsigned warp = i / 32 * 32, lane = i % 32;

      g_assert_true (out[i * 4 + 0] == (T) (warp + 5));
      g_assert_true (out[i * 4 + 1] == (T) (i ^ 4u));
      g_assert_true (out[i * 4 + 2] == (T) (lane + 3 < 32 ? i + 3 : i));
      g_assert_true (out[i * 4 + 3] == (T) (lane >= 2 ? i - 2 : i));
    }
  assert_cuda (cudaFree (device));
}

static void
test_shuffles (void)
{
  check_shuffles<unsigned> ();
  check_shuffles<float> ();
  check_shuffles<double> ();
  check_shuffles<unsigned long long> ();
}

static __global__ void
vote (unsigned *out)
{
  out[threadIdx.x * 3 + 0] = __ballot_sync (SNG_CUDA_FULL_MASK, threadIdx.x % 3 == 0);
  out[threadIdx.x * 3 + 1] = (unsigned) __any_sync (SNG_CUDA_FULL_MASK, threadIdx.x == 33);
  out[threadIdx.x * 3 + 2] = (unsigned) __all_sync (SNG_CUDA_FULL_MASK, threadIdx.x < 35);
}

/* The last warp has 8 lanes. */
static void
test_votes (void)
{
  unsigned *device = to_device (std::vector<unsigned> (40 * 3));

  assert_cuda (sng_cuda_launch (vote, 1, 40, 0, nullptr, device));
  std::vector<unsigned> out = from_device (device, 40 * 3);
  for (unsigned i = 0; i < 40; i++)
    {
      g_assert_cmphex (out[i * 3 + 0], ==, i < 32 ? 0x49249249u : 0x92u);
      g_assert_cmpuint (out[i * 3 + 1], ==, i < 32 ? 0 : 1);
      g_assert_cmpuint (out[i * 3 + 2], ==, i < 32 ? 1 : 0);
    }
  assert_cuda (cudaFree (device));
}

/* Half of the lanes have ended; what they would have given is no number. */
static __global__ void
end_early (float *out)
{
  if (threadIdx.x >= 16)
    return;
  out[threadIdx.x] = __shfl_down_sync (SNG_CUDA_FULL_MASK, 1.0f, 8);
}

static void
test_ended_lanes (void)
{
  float *device = to_device (std::vector<float> (16));

  assert_cuda (sng_cuda_launch (end_early, 1, 32, 0, nullptr, device));
  std::vector<float> out = from_device (device, 16);
  for (size_t i = 0; i < 16; i++)
    g_assert_true (std::isfinite (out[i]) == (i < 8));
  assert_cuda (cudaFree (device));
}

template <typename T>
static __global__ void
sum_block (T *out)
{
  T sum = sng_block_sum ((T) threadIdx.x);
  T again = sng_block_sum (sum);

  out[threadIdx.x] = again;
}

static void
test_sums (void)
{
  double *doubles = to_device (std::vector<double> (1024));
  float *floats = to_device (std::vector<float> (96));

  assert_cuda (sng_cuda_launch (sum_block<double>, 1, 1024, 0, nullptr, doubles));
  for (double sum : from_device (doubles, 1024))
    g_assert_cmpfloat (sum, ==, 1024.0 * 1023.0 * 512.0);
  assert_cuda (sng_cuda_launch (sum_block<float>, 1, 96, 0, nullptr, floats));
  for (float sum : from_device (floats, 96))
    g_assert_cmpfloat (sum, ==, 96.0f * 95.0f * 48.0f);
  assert_cuda (cudaFree (doubles));
  assert_cuda (cudaFree (floats));
}

/* ---- matrix products ---- */

/* One product of 16 x 8 x 16, a and b row by row: fragments by hand, or by ldmatrix from shared memory. */
template <typename T, bool by_ldmatrix>
static __global__ void
multiply (const T *a, const T *b, float *d)
{
  unsigned lane = threadIdx.x, group = lane / 4, pair = lane % 4;
  unsigned a_registers[4], b_registers[4];
  float sums[4] = { 1.0f, 1.0f, 1.0f, 1.0f };

  if (by_ldmatrix)
    {
      alignas (16) __shared__ T shared_a[16 * 16];
      alignas (16) __shared__ T shared_b[16 * 16];

      for (unsigned i = lane; i < 256; i += SNG_CUDA_WARP)
        {
          shared_a[i] = a[i];
          shared_b[i] = i % 16 < 8 ? b[i / 16 * 8 + i % 16] : sng_from_real<T> (0.0f);
        }
      __syncwarp ();
      /* Matrices: rows 0 to 7 and 8 to 15 of the left half, then of the right half. */
      sng_ldmatrix_x4 (a_registers, &shared_a[lane % 16 * 16 + lane / 16 * 8]);
      sng_ldmatrix_x4_trans (b_registers, &shared_b[lane % 16 * 16 + lane / 16 * 8]);
    }
  else
    {
      auto both = [] (T low, T high) { return (unsigned) low.bits | (unsigned) high.bits << 16; };

      for (unsigned i = 0; i < 4; i++)
        {
          const T *row = a + (group + i % 2 * 8) * 16 + 2 * pair + i / 2 * 8;

          a_registers[i] = both (row[0], row[1]);
        }
      for (unsigned i = 0; i < 2; i++)
        {
          const T *rows = b + (2 * pair + i * 8) * 8 + group;

          b_registers[i] = both (rows[0], rows[8]);
        }
    }
  sng_mma_m16n8k16<T> (sums, a_registers, b_registers);
  for (unsigned i = 0; i < 4; i++)
    d[(group + i / 2 * 8) * 8 + 2 * pair + i % 2] = sums[i];
}

/* All numbers are small and whole, so every order of the sum yields the same. */
template <typename T, bool by_ldmatrix>
static void
test_mma (void)
{
  std::vector<T> a (16 * 16), b (16 * 8);
  std::vector<float> expected (16 * 8, 1.0f);

  for (int i = 0; i < 256; i++)
    a[(size_t) i] = sng_from_real<T> ((float) (i * 7 % 23 - 11));
  for (int i = 0; i < 128; i++)
    b[(size_t) i] = sng_from_real<T> ((float) (i * 5 % 19 - 9));
  for (size_t row = 0; row < 16; row++)
    for (size_t column = 0; column < 8; column++)
      for (size_t k = 0; k < 16; k++)
        expected[row * 8 + column] += sng_to_real (a[row * 16 + k]) * sng_to_real (b[k * 8 + column]);

  T *a_device = to_device (a), *b_device = to_device (b);
  float *d = to_device (std::vector<float> (16 * 8));
  assert_cuda (sng_cuda_launch ((multiply<T, by_ldmatrix>), 1, 32, 0, nullptr, a_device, b_device, d));
  g_assert_true (from_device (d, 16 * 8) == expected);
  assert_cuda (cudaFree (a_device));
  assert_cuda (cudaFree (b_device));
  assert_cuda (cudaFree (d));
}

static __global__ void
load_matrices (unsigned *plain, unsigned *transposed)
{
  alignas (16) __shared__ guint16 rows[32][8];
  unsigned lane = threadIdx.x;

  for (unsigned i = 0; i < 8; i++)
    rows[lane][i] = (guint16) (lane * 8 + i);
  __syncwarp ();
  sng_ldmatrix_x4 (plain + lane * 4, rows[lane]);
  sng_ldmatrix_x4_trans (transposed + lane * 4, rows[lane]);
}

static void
test_ldmatrix (void)
{
  unsigned *plain = to_device (std::vector<unsigned> (128)),
           *transposed = to_device (std::vector<unsigned> (128));

  assert_cuda (sng_cuda_launch (load_matrices, 1, 32, 0, nullptr, plain, transposed));
  std::vector<unsigned> p = from_device (plain, 128), t = from_device (transposed, 128);
  for (unsigned lane = 0; lane < 32; lane++)
    for (unsigned m = 0; m < 4; m++)
      {
        unsigned row = lane / 4, column = lane % 4 * 2;

        g_assert_cmphex (p[lane * 4 + m], ==,
                         (m * 64 + row * 8 + column) | (m * 64 + row * 8 + column + 1) << 16);
        g_assert_cmphex (t[lane * 4 + m], ==,
                         (m * 64 + column * 8 + row) | (m * 64 + (column + 1) * 8 + row) << 16);
      }
  assert_cuda (cudaFree (plain));
  assert_cuda (cudaFree (transposed));
}

/* ---- asynchronous copies ---- */

template <int n_pending>
static __global__ void
copy_two (const float *in, float *out)
{
  float *shared = sng_cuda_shared<float> ();

  for (unsigned group = 0; group < 2; group++)
    {
      sng_cp_async_16 (shared + group * 128 + threadIdx.x * 4, in + group * 128 + threadIdx.x * 4);
      sng_cp_async_commit ();
    }
  sng_cp_async_wait<n_pending> ();
  __syncthreads ();
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
    out[i] = shared[i];
}

/* How many of the two groups have arrived. */
template <int n_pending>
static void
check_copies (size_t n_arrived)
{
  std::vector<float> values = ascending (256);
  float *in = to_device (values), *out = to_device (std::vector<float> (256));

  assert_cuda (sng_cuda_launch (copy_two<n_pending>, 1, 32, 1024, nullptr, in, out));
  std::vector<float> seen = from_device (out, 256);
  for (size_t i = 0; i < 256; i++)
    if (i < n_arrived * 128)
      g_assert_cmpfloat (seen[i], ==, values[i]);
    else
      g_assert_false (std::isfinite (seen[i]));
  assert_cuda (cudaFree (in));
  assert_cuda (cudaFree (out));
}

static void
test_async_copies (void)
{
  check_copies<0> (2);
  check_copies<1> (1);
  check_copies<2> (0);
}

/* ---- faults ---- */

static __global__ void
diverge_at_barrier (void)
{
  if (threadIdx.x == 37)
    return;
  if (threadIdx.x < 32)
    __syncthreads ();
  else
    __syncthreads ();
}

static void
test_divergent_barrier (void)
{
  if (g_test_subprocess ())
    {
      sng_cuda_launch (diverge_at_barrier, 2, 64, 0, nullptr);
      cudaDeviceSynchronize ();
      return;
    }
  assert_dies (
      "*kernel diverge_at_barrier, block (0,0,0), thread (32,0,0)*divergence*__syncthreads*thread (0,0,0)*");
}

template <int a, int b>
static __global__ void
diverge_at_shuffle (float *out)
{
  if (threadIdx.x < a)
    out[threadIdx.x] = __shfl_xor_sync (SNG_CUDA_FULL_MASK, 1.0f, b);
  __syncthreads ();
}

static void
test_divergent_shuffle (void)
{
  if (g_test_subprocess ())
    {
      float *out = to_device (std::vector<float> (32));

      sng_cuda_launch (diverge_at_shuffle<8, 1>, 1, 32, 0, nullptr, out);
      cudaDeviceSynchronize ();
      return;
    }
  assert_dies ("*kernel diverge_at_shuffle<8, 1>, block*divergence*__syncthreads*__shfl_xor_sync*");
}

static __global__ void
part_of_a_warp (void)
{
  __syncwarp (0xffffu);
}

static void
test_mask (void)
{
  if (g_test_subprocess ())
    {
      sng_cuda_launch (part_of_a_warp, 1, 32, 0, nullptr);
      cudaDeviceSynchronize ();
      return;
    }
  assert_dies ("*kernel part_of_a_warp, *__syncwarp*mask 0x0000ffff*");
}

static __global__ void
write_last (unsigned *out)
{
  out[0] = blockIdx.x;
  out[1 + blockIdx.x] = threadIdx.x / 32;
}

/* A kernel whose result depends on the order of its blocks or warps shows it with some seed. */
static void
test_seed (void)
{
  unsigned *out = to_device (std::vector<unsigned> (9));
  gboolean other_block = FALSE, other_warp = FALSE;

  for (int seed = 0; seed < 8; seed++)
    {
      g_autofree char *text = g_strdup_printf ("%d", seed);

      g_setenv ("SNG_EMULATOR_SEED", text, TRUE);
      assert_cuda (sng_cuda_launch (write_last, 8, 128, 0, nullptr, out));
      std::vector<unsigned> last = from_device (out, 9);
      if (seed == 0)
        g_assert_true (last[0] == 7 && last[1] == 3);
      other_block |= last[0] != 7;
      other_warp |= last[1] != 3;
    }
  g_unsetenv ("SNG_EMULATOR_SEED");
  g_assert_true (other_block && other_warp);
  assert_cuda (cudaFree (out));
}

static __global__ void
nothing (int)
{
}

static void
test_launch_limits (void)
{
  g_assert_cmpint (sng_cuda_launch (nothing, 1, 1025, 0, nullptr, 1), ==, cudaErrorInvalidConfiguration);
  g_assert_cmpint (sng_cuda_launch (nothing, dim3 (1, 65536), 1, 0, nullptr, 1), ==,
                   cudaErrorInvalidConfiguration);
  g_assert_cmpint (sng_cuda_launch (nothing, 0, 1, 0, nullptr, 1), ==, cudaErrorInvalidConfiguration);
  g_assert_cmpint (cudaGetLastError (), ==, cudaErrorInvalidConfiguration);
  g_assert_cmpint (cudaGetLastError (), ==, cudaSuccess);
  g_assert_cmpint (sng_simt_launch ("nothing", nothing, 1, 1, 48 * 1024 + 1, nullptr, 1), ==,
                   cudaErrorInvalidValue);
  assert_cuda (sng_cuda_launch (nothing, 1, 1, 99 * 1024, nullptr, 1));
  g_assert_cmpint (sng_cuda_launch (nothing, 1, 1, 228 * 1024, nullptr, 1), ==, cudaErrorInvalidValue);
  assert_cuda (cudaDeviceSynchronize ());
}

/* How long the usual launch takes; a figure, not a limit. */
static __global__ void
sum_many (const float *in, float *out)
{
  float sum = sng_block_sum (in[blockIdx.x * blockDim.x + threadIdx.x]);

  if (threadIdx.x == 0)
    out[blockIdx.x] = sum;
}

static void
test_speed (void)
{
  float *in = to_device (ascending (25600)), *out = to_device (std::vector<float> (100));

  assert_cuda (sng_cuda_launch (sum_many, 100, 256, 0, nullptr, in, out));
  assert_cuda (cudaDeviceSynchronize ());
  g_test_timer_start ();
  assert_cuda (sng_cuda_launch (sum_many, 100, 256, 0, nullptr, in, out));
  assert_cuda (cudaDeviceSynchronize ());
  g_test_message ("100 blocks of 256 threads, 12 waits each: %.1f ms", 1000.0 * g_test_timer_elapsed ());
  g_assert_cmpfloat (from_device (out, 1)[0], ==, 256.0f * 255.0f / 2.0f);
  assert_cuda (cudaFree (in));
  assert_cuda (cudaFree (out));
}

void
add_kernel_tests (void)
{
  g_test_add_func ("/sng/cuda-emulator/kernel/barrier", test_barrier);
  g_test_add_func ("/sng/cuda-emulator/kernel/fresh-shared", test_fresh_shared);
  g_test_add_func ("/sng/cuda-emulator/kernel/positions", test_positions);
  g_test_add_func ("/sng/cuda-emulator/kernel/shuffles", test_shuffles);
  g_test_add_func ("/sng/cuda-emulator/kernel/votes", test_votes);
  g_test_add_func ("/sng/cuda-emulator/kernel/ended-lanes", test_ended_lanes);
  g_test_add_func ("/sng/cuda-emulator/kernel/sums", test_sums);
  g_test_add_func ("/sng/cuda-emulator/kernel/mma-bf16", (test_mma<SngBf16, false>) );
  g_test_add_func ("/sng/cuda-emulator/kernel/mma-f16", (test_mma<SngF16, false>) );
  g_test_add_func ("/sng/cuda-emulator/kernel/mma-ldmatrix-bf16", (test_mma<SngBf16, true>) );
  g_test_add_func ("/sng/cuda-emulator/kernel/mma-ldmatrix-f16", (test_mma<SngF16, true>) );
  g_test_add_func ("/sng/cuda-emulator/kernel/ldmatrix", test_ldmatrix);
  g_test_add_func ("/sng/cuda-emulator/kernel/async-copies", test_async_copies);
  g_test_add_func ("/sng/cuda-emulator/kernel/divergent-barrier", test_divergent_barrier);
  g_test_add_func ("/sng/cuda-emulator/kernel/divergent-shuffle", test_divergent_shuffle);
  g_test_add_func ("/sng/cuda-emulator/kernel/mask", test_mask);
  g_test_add_func ("/sng/cuda-emulator/kernel/seed", test_seed);
  g_test_add_func ("/sng/cuda-emulator/kernel/launch-limits", test_launch_limits);
  g_test_add_func ("/sng/cuda-emulator/kernel/speed", test_speed);
}
