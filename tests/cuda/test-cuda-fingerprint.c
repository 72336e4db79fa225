/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

#include <math.h>
#include <string.h>

/* Fingerprints and summaries of a GPU are those of the CPU, bit for bit. */

#define N_DTYPES (SNG_DTYPE_C64 + 1)
#define BLOCK SNG_FINGERPRINT_BLOCK_SIZE

static const SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

/* A layout that lasts, and elements on both sides that have it. */
typedef struct
{
  SngLayout layout;
  gint64 dims[2][5];
  Twin twin;
  gsize origin; /* in bytes */
} Tensor;

static void
tensor_free (Tensor *self)
{
  twin_clear (&self->twin);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Tensor, tensor_free)

/* Small numbers of floating point types, and any of integers: bit patterns would give a NaN in each block. */
static void
fill (Twin *twin, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint8 *bytes = twin->host;
  gsize size = sng_dtype_get_size (twin->dtype);

  for (gsize i = 0; i < twin->n * size; i++)
    bytes[i] = (guint8) g_rand_int (rand);

  for (gsize i = 0; i < twin->n; i++)
    {
      double value = g_rand_double_range (rand, -3, 3);

      if (twin->dtype == SNG_DTYPE_F64)
        ((double *) twin->host)[i] = value;
      else if (twin->dtype == SNG_DTYPE_F32)
        ((float *) twin->host)[i] = (float) value;
      else if (twin->dtype == SNG_DTYPE_C64)
        for (guint part = 0; part < 2; part++)
          ((float *) twin->host)[2 * i + part] = (float) (value + part);
      else if (twin->dtype == SNG_DTYPE_BF16 || twin->dtype == SNG_DTYPE_F16)
        ((guint16 *) twin->host)[i] &= 0xbfff; /* below 2 */
      else if (twin->dtype == SNG_DTYPE_F8_E4M3 || twin->dtype == SNG_DTYPE_F8_E5M2)
        bytes[i] &= 0xbf;
      else if (twin->dtype == SNG_DTYPE_F8_E8M0)
        bytes[i] &= 0xfe;
      else if (sng_dtype_is_floating (twin->dtype) && bytes[i] == 0x80)
        bytes[i] = 0x81;
    }
}

/* The array has n elements behind offset bytes. */
static Tensor *
new_strided (SngDtype dtype,
             guint n_dims,
             const gint64 *shape,
             const gint64 *strides,
             gint64 origin,
             gsize n,
             guint offset)
{
  Tensor *self = g_new0 (Tensor, 1);
  gint64 gapless = 1;
  gsize size = sng_dtype_get_size (dtype);
  g_auto (Twin) values = twin_new (dtype, n);

  self->layout = (SngLayout){ dtype, n_dims, self->dims[0], self->dims[1], 1, TRUE };
  for (guint i = n_dims; i-- > 0;)
    {
      self->dims[0][i] = shape[i];
      self->dims[1][i] = strides[i];
      self->layout.contiguous = self->layout.contiguous && (strides[i] == gapless || shape[i] == 1);
      gapless *= shape[i];
    }
  self->layout.n_elements = gapless;
  self->origin = (gsize) origin * size + offset;

  fill (&values, (guint32) (n + dtype));
  self->twin = twin_new (SNG_DTYPE_U8, n * size + offset);
  if (n > 0)
    memcpy ((char *) self->twin.host + offset, values.host, n * size);
  twin_upload (&self->twin);
  return self;
}

static Tensor *
new_flat (SngDtype dtype, gint64 n, guint offset)
{
  const gint64 stride = 1;

  return new_strided (dtype, 1, &n, &stride, 0, (gsize) n, offset);
}

static Tensor *
new_bytes (SngDtype dtype, gsize n_bytes)
{
  return new_flat (dtype, (gint64) (n_bytes / sng_dtype_get_size (dtype)), 0);
}

/* Of all tensors, by one call each. */
static SngBlockSums *
compute (Tensor *const *tensors, gsize n, gboolean on_cuda, gboolean summarize)
{
  SngDevice *device = on_cuda ? twin_cuda () : twin_cpu ();
  g_autofree SngRegion *elements = g_new0 (SngRegion, n);
  SngBlockSums *sums = g_new0 (SngBlockSums, n);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < n; i++)
    elements[i] = (SngRegion){
      (char *) (on_cuda ? tensors[i]->twin.device : tensors[i]->twin.host) + tensors[i]->origin,
      &tensors[i]->layout,
    };
  ops (device)->fingerprint (device, n, elements, summarize, sums);
  g_assert_true (ops (device)->check (device, &error));
  g_assert_no_error (error);
  return sums;
}

/* Which of 0 and -0 is a bound is open. */
static void
assert_equal_sums (const SngBlockSums *a, const SngBlockSums *b, gboolean summarize)
{
  double bounds[2][2] = { { a->minimum + 0.0, a->maximum + 0.0 }, { b->minimum + 0.0, b->maximum + 0.0 } };

  g_assert_cmphex (a->low, ==, b->low);
  g_assert_cmphex (a->high, ==, b->high);
  if (!summarize)
    return;
  g_assert_cmpuint (a->n_non_finite, ==, b->n_non_finite);
  g_assert_cmpmem (bounds[0], sizeof bounds[0], bounds[1], sizeof bounds[1]);
  if (!isnan (a->sum))
    g_assert_cmpmem (&a->sum, sizeof a->sum, &b->sum, sizeof b->sum);
  else
    g_assert_true (isnan (b->sum));
}

static void
check_list (Tensor *const *tensors, gsize n)
{
  for (guint summarize = 0; summarize < 2; summarize++)
    {
      g_autofree SngBlockSums *host = compute (tensors, n, FALSE, summarize);
      g_autofree SngBlockSums *device = compute (tensors, n, TRUE, summarize);

      for (gsize i = 0; i < n; i++)
        assert_equal_sums (&device[i], &host[i], summarize);
    }
}

static void
check (Tensor *tensor)
{
  check_list (&tensor, 1);
}

/* ---- cases ---- */

/* Ends of blocks, of rows of 16 elements, of warps and of groups of blocks; less than an element is no tensor. */
static void
test_sizes (void)
{
  static const gsize sizes[] = {
    8, 64, 120, 128, 136, BLOCK - 8, BLOCK, BLOCK + 8, 8 * BLOCK - 64, 8 * BLOCK + 24, 64 * BLOCK
  };

  for (guint dtype = 0; dtype < N_DTYPES; dtype++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes) - (dtype % 4 != 1); i++)
      {
        g_autoptr (Tensor) tensor = new_bytes (dtype, sizes[i]);

        check (tensor);
      }
}

/* Lengths that are no multiple of anything. */
static void
test_odd_sizes (void)
{
  for (guint dtype = 0; dtype < N_DTYPES; dtype++)
    for (gint64 n = 1; n < 1500; n = n * 2 + 5)
      {
        g_autoptr (Tensor) tensor = new_flat (dtype, n, 0);

        check (tensor);
      }
}

/* Several groups of blocks, which different thread blocks sum. */
static void
test_groups (void)
{
  static const SngDtype dtypes[] = { SNG_DTYPE_F64, SNG_DTYPE_F32, SNG_DTYPE_BF16, SNG_DTYPE_I64,
                                     SNG_DTYPE_F8_E5M2 };

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    {
      g_autoptr (Tensor) tensor = new_bytes (dtypes[i], (64 * (i % 2 ? 2 : 3) + 5) * BLOCK + 40);

      check (tensor);
      check (tensor);
    }
}

/* More groups than a warp takes at a time: elements that are broadcast need no memory. */
static void
test_many_groups (void)
{
  const gint64 shape[] = { 34, 65536 }, strides[] = { 0, 1 };
  g_autoptr (Tensor) tensor = new_strided (SNG_DTYPE_F32, 2, shape, strides, 0, 65536, 0);

  check (tensor);
}

static void
test_strides (void)
{
  static const struct
  {
    guint n_dims;
    gint64 shape[4], strides[4], origin;
    gsize n;
  } cases[] = {
    { 0, { 0 }, { 0 }, 0, 1 },
    { 1, { 1500 }, { 2 }, 1, 3001 },
    { 1, { 1500 }, { -1 }, 1499, 1500 },
    { 1, { 5000 }, { 0 }, 2, 3 },
    { 2, { 60, 61 }, { 1, 60 }, 0, 3660 },
    { 2, { 50, 32 }, { 40, 1 }, 8, 2000 },
    { 2, { 50, 31 }, { -41, 1 }, 2009, 2051 },
    { 2, { 40, 100 }, { 0, 1 }, 0, 100 },
    { 4, { 5, 6, 7, 8 }, { 1, 280, -5, 35 }, 30, 1680 },
  };

  for (guint dtype = 0; dtype < N_DTYPES; dtype++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autoptr (Tensor) tensor = new_strided (dtype, cases[i].n_dims, cases[i].shape, cases[i].strides,
                                                 cases[i].origin, cases[i].n, 0);

        check (tensor);
      }
}

/* Views that begin anywhere, even within an element. */
static void
test_offsets (void)
{
  static const SngDtype dtypes[] = { SNG_DTYPE_U8, SNG_DTYPE_F16, SNG_DTYPE_F32, SNG_DTYPE_F64 };

  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    for (guint offset = 1; offset < 17; offset++)
      {
        const gint64 shape[] = { 30, 40 }, strides[] = { 45, 1 };
        g_autoptr (Tensor) flat = new_flat (dtypes[i], 1500, offset);
        g_autoptr (Tensor) strided = new_strided (dtypes[i], 2, shape, strides, 0, 30 * 45, offset);

        check (flat);
        check (strided);
      }
}

/* Every bit pattern of the narrow formats, so infinities and NaNs, too: in blocks with and without them. */
static void
test_patterns (void)
{
  for (guint dtype = 0; dtype < N_DTYPES; dtype++)
    for (guint step = 1; step < 300; step += 254)
      {
        g_autoptr (Tensor) tensor = new_bytes (dtype, 5 * BLOCK + 56);
        guint8 *bytes = tensor->twin.host;

        for (gsize i = 0; i < tensor->twin.n; i++)
          bytes[i] = (guint8) (step * i + i / 256);
        twin_upload (&tensor->twin);
        check (tensor);
      }
}

static void
set_f32 (Tensor *tensor, gsize i, float value)
{
  memcpy ((char *) tensor->twin.host + i * sizeof value, &value, sizeof value);
}

/* One element that is not finite, in a whole block or at the end, and bounds of which one is 0. */
static void
test_special (void)
{
  static const float values[] = { NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 3.4e38f };
  static const gsize places[] = { 0, 517, 1023, 1024, 3 * 1024 + 15, 3 * 1024 + 17 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    for (guint j = 0; j < G_N_ELEMENTS (places); j++)
      {
        g_autoptr (Tensor) tensor = new_flat (SNG_DTYPE_F32, 3 * 1024 + 18, 0);

        for (gsize k = 0; k < 3 * 1024 + 18; k++)
          if (i % 2 == 1)
            set_f32 (tensor, k, 1.0f);
        set_f32 (tensor, places[j], values[i]);
        twin_upload (&tensor->twin);
        check (tensor);
      }
}

/* A sum that overflows although all elements are finite, and integers whose sum depends on the order. */
static void
test_wide (void)
{
  g_autoptr (Tensor) doubles = new_bytes (SNG_DTYPE_F64, 3 * BLOCK + 40);
  g_autoptr (Tensor) integers = new_bytes (SNG_DTYPE_I64, 3 * BLOCK + 40);
  g_autoptr (Tensor) naturals = new_bytes (SNG_DTYPE_U64, 3 * BLOCK + 40);
  g_autoptr (Tensor) small = new_bytes (SNG_DTYPE_I64, 3 * BLOCK + 40);
  g_autoptr (Tensor) middle =
      new_bytes (SNG_DTYPE_I64, 3 * BLOCK + 40); /* each is a double, their sum is not */

  for (gsize i = 0; i < doubles->twin.n / 8; i++)
    {
      ((double *) doubles->twin.host)[i] = i % 3 ? 1.5e308 : -1.25e307;
      ((gint64 *) middle->twin.host)[i] = (G_GINT64_CONSTANT (1) << 51) + (gint64) i * 48271 % 30011;
      ((gint64 *) small->twin.host)[i] = ((gint64) i * 48271 % 30011 - 15000) * (1 << 30);
    }
  twin_upload (&doubles->twin);
  twin_upload (&middle->twin);
  twin_upload (&small->twin);
  check (middle);
  check (doubles);
  check (integers);
  check (naturals);
  check (small);
}

/* Tensors of all kinds together: small ones share thread blocks, large ones begin one, empty ones have nothing. */
static void
test_list (void)
{
  static const gsize sizes[] = {
    8, 4096, 0, 12 * BLOCK, 65 * BLOCK, 200, 64 * BLOCK, 3 * BLOCK, 61 * BLOCK, 0
  };
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) tensor_free);

  for (guint i = 0; i < 40; i++)
    {
      const gint64 shape[] = { 20 + i, 33 }, strides[] = { -33, 1 };

      g_ptr_array_add (
          tensors, i % 7 == 3 ? new_strided (i % N_DTYPES, 2, shape, strides, (19 + i) * 33, (20 + i) * 33, 0)
                              : new_bytes (i % N_DTYPES, sizes[i % G_N_ELEMENTS (sizes)]));
    }
  check_list ((Tensor *const *) tensors->pdata, tensors->len);
  check_list ((Tensor *const *) tensors->pdata, 0);
  check_list ((Tensor *const *) tensors->pdata + 2, 1);
}

/* A list that just fits into the kernel's parameter, and longer ones. */
static void
test_borders (void)
{
  const gint64 shape[] = { 7, 5 }, strides[] = { 30, 1 };
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) tensor_free);

  for (guint i = 0; i < 122; i++)
    g_ptr_array_add (tensors, new_flat (SNG_DTYPE_F32, 3 * i, 0));
  for (guint i = 0; i < 6; i++)
    {
      check_list ((Tensor *const *) tensors->pdata, tensors->len);
      g_ptr_array_add (tensors, new_strided (SNG_DTYPE_I16, 2, shape, strides, 0, 185, 0));
      check_list ((Tensor *const *) tensors->pdata, tensors->len);
      g_ptr_array_add (tensors, new_bytes (SNG_DTYPE_BF16, (i % 2 ? 200 : 2) * BLOCK));
    }
}

static void
test_long_list (void)
{
  g_autoptr (GPtrArray) distinct = g_ptr_array_new_with_free_func ((GDestroyNotify) tensor_free);
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();

  for (guint i = 0; i < 7; i++)
    g_ptr_array_add (distinct, new_flat (SNG_DTYPE_F32, i * i, 0));
  for (guint i = 0; i < 10000; i++)
    g_ptr_array_add (tensors, distinct->pdata[i * i % 7]);
  check_list ((Tensor *const *) tensors->pdata, tensors->len);
}

/* What must be seen: a bit, and two blocks that change places. */
static void
test_faults (void)
{
  g_autoptr (Tensor) tensor = new_bytes (SNG_DTYPE_F32, 70 * BLOCK + 12);
  g_autofree SngBlockSums *before = compute (&tensor, 1, TRUE, FALSE);
  guint8 *bytes = tensor->twin.host;
  static const gsize places[] = { 0, BLOCK - 1, 33 * BLOCK + 2049, 64 * BLOCK, 70 * BLOCK + 11 };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree SngBlockSums *after = NULL;

      bytes[places[i]] ^= 1;
      twin_upload (&tensor->twin);
      after = compute (&tensor, 1, TRUE, FALSE);
      g_assert_false (after->low == before->low || after->high == before->high);
      bytes[places[i]] ^= 1;
    }

  for (gsize other = 1; other < 70; other += 34)
    {
      g_autofree SngBlockSums *after = NULL;
      guint8 block[BLOCK];

      memcpy (block, bytes, BLOCK);
      memcpy (bytes, bytes + other * BLOCK, BLOCK);
      memcpy (bytes + other * BLOCK, block, BLOCK);
      twin_upload (&tensor->twin);
      after = compute (&tensor, 1, TRUE, FALSE);
      g_assert_false (after->low == before->low || after->high == before->high);
    }
}

/* What users see of a tensor on the GPU. */
static void
test_tensor (void)
{
  const gint64 shape[] = { 300, 11 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) host = sng_tensor_new (SNG_DTYPE_F32, shape, 2, twin_cpu (), &error);
  g_autoptr (SngTensor) device = sng_tensor_new (SNG_DTYPE_F32, shape, 2, twin_cuda (), &error);
  g_autoptr (SngFingerprint) expected = NULL;
  g_autoptr (SngFingerprint) fingerprint = NULL;
  double minimum[2], maximum[2], mean[2];
  guint64 n_non_finite[2];

  g_assert_no_error (error);
  for (guint i = 0; i < 3300; i++)
    ((float *) sng_tensor_get_data (host))[i] = i == 700 ? NAN : (float) i / 7;
  sng_tensor_copy_from (device, host, &error);
  g_assert_no_error (error);

  expected = sng_tensor_summarize (host, &minimum[0], &maximum[0], &mean[0], &n_non_finite[0]);
  fingerprint = sng_tensor_summarize (device, &minimum[1], &maximum[1], &mean[1], &n_non_finite[1]);
  g_assert_true (sng_fingerprint_equal (expected, fingerprint));
  g_assert_cmpfloat (minimum[0], ==, minimum[1]);
  g_assert_cmpfloat (maximum[0], ==, maximum[1]);
  g_assert_cmpfloat (mean[0], ==, mean[1]);
  g_assert_cmpuint (n_non_finite[1], ==, 1);
  g_assert_false (sng_tensor_is_finite (device));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  g_test_add_func ("/sng/cuda-fingerprint/sizes", test_sizes);
  g_test_add_func ("/sng/cuda-fingerprint/odd-sizes", test_odd_sizes);
  g_test_add_func ("/sng/cuda-fingerprint/groups", test_groups);
  g_test_add_func ("/sng/cuda-fingerprint/many-groups", test_many_groups);
  g_test_add_func ("/sng/cuda-fingerprint/strides", test_strides);
  g_test_add_func ("/sng/cuda-fingerprint/offsets", test_offsets);
  g_test_add_func ("/sng/cuda-fingerprint/patterns", test_patterns);
  g_test_add_func ("/sng/cuda-fingerprint/special", test_special);
  g_test_add_func ("/sng/cuda-fingerprint/wide", test_wide);
  g_test_add_func ("/sng/cuda-fingerprint/list", test_list);
  g_test_add_func ("/sng/cuda-fingerprint/borders", test_borders);
  g_test_add_func ("/sng/cuda-fingerprint/long-list", test_long_list);
  g_test_add_func ("/sng/cuda-fingerprint/faults", test_faults);
  g_test_add_func ("/sng/cuda-fingerprint/tensor", test_tensor);

  return g_test_run ();
}
