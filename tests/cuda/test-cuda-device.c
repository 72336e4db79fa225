/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

#include <string.h>

/* A GPU's memory, and what goes in and out of it. */

#define KIB 1024u
#define MIB (KIB * KIB)

static SngDeviceClass *
ops (void)
{
  return SNG_DEVICE_GET_CLASS (twin_cuda ());
}

static guint8 *
alloc (gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  gpointer data = ops ()->alloc (twin_cuda (), n_bytes, &error);

  g_assert_no_error (error);
  g_assert_cmpuint ((gsize) data % 256, ==, 0);
  return data;
}

static void
upload (gpointer destination, gconstpointer host, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  ops ()->upload (twin_cuda (), destination, host, n_bytes, &error);
  g_assert_no_error (error);
}

static void
assert_bytes (gconstpointer source, gconstpointer expected, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *host = g_malloc (n_bytes);

  memset (host, 0xee, n_bytes);
  ops ()->download (twin_cuda (), host, source, n_bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (host, n_bytes, expected, n_bytes);
}

/* Of a pattern that begins with a byte. */
static guint8 *
make_bytes (gsize n_bytes, guint8 first)
{
  guint8 *bytes = g_malloc (n_bytes);

  for (gsize i = 0; i < n_bytes; i++)
    bytes[i] = (guint8) (first + i + (i >> 8));
  return bytes;
}

/* Of all sizes, below and above those of the slots and of the units of memory; what the caller's memory holds
 * after an upload does not matter. */
static void
test_transfers (void)
{
  static const gsize sizes[] = { 1, 511, 512, 513, 64 * KIB + 1, MIB - 1, MIB, 4 * MIB, 4 * MIB + 3 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree guint8 *bytes = make_bytes (sizes[i], (guint8) i);
      g_autofree guint8 *sent = g_memdup2 (bytes, sizes[i]);
      guint8 *first = alloc (sizes[i]), *second = alloc (sizes[i]);

      upload (first, sent, sizes[i]);
      memset (sent, 0, sizes[i]);
      ops ()->copy (twin_cuda (), second, first, sizes[i]);
      ops ()->zero (twin_cuda (), first, sizes[i]);
      assert_bytes (second, bytes, sizes[i]);
      assert_bytes (first, sent, sizes[i]);
      ops ()->free (twin_cuda (), first, sizes[i]);
      ops ()->free (twin_cuda (), second, sizes[i]);
    }
}

/* More at once than there are slots: none may be overwritten before it was read. */
static void
test_many_uploads (void)
{
  guint8 *data = alloc (100 * 1000);

  for (guint i = 0; i < 100; i++)
    {
      g_autofree guint8 *bytes = make_bytes (1000, (guint8) (3 * i));

      upload (data + i * 1000, bytes, 1000);
    }
  for (guint i = 0; i < 100; i++)
    {
      g_autofree guint8 *bytes = make_bytes (1000, (guint8) (3 * i));

      assert_bytes (data + i * 1000, bytes, 1000);
    }
  ops ()->free (twin_cuda (), data, 100 * 1000);
}

static void
test_nothing (void)
{
  guint8 *data = alloc (0);

  g_assert_nonnull (data);
  g_assert_true (ops ()->upload (twin_cuda (), data, NULL, 0, NULL));
  g_assert_true (ops ()->download (twin_cuda (), NULL, data, 0, NULL));
  ops ()->zero (twin_cuda (), data, 0);
  ops ()->copy (twin_cuda (), data, data, 0);
  ops ()->free (twin_cuda (), data, 0);
  g_assert_true (ops ()->check (twin_cuda (), NULL));
}

static void
test_overlap (void)
{
  g_autofree guint8 *expected = make_bytes (1000, 5);
  guint8 *data = alloc (1000);

  upload (data, expected, 1000);
  ops ()->copy (twin_cuda (), data + 100, data, 900);
  memmove (expected + 100, expected, 900);
  assert_bytes (data, expected, 1000);
  ops ()->copy (twin_cuda (), data, data + 1, 999);
  memmove (expected, expected + 1, 999);
  assert_bytes (data, expected, 1000);
  ops ()->copy (twin_cuda (), data + 7, data + 7, 9);
  assert_bytes (data, expected, 1000);
  ops ()->free (twin_cuda (), data, 1000);
}

/* A block that was freed is the next one of about its size, and zeroed again. */
static void
test_reuse (void)
{
  g_autofree guint8 *bytes = make_bytes (20 * MIB, 1);
  g_autofree guint8 *zeros = g_malloc0 (20 * MIB);
  guint8 *small = alloc (300000), *large = alloc (20 * MIB), *less = alloc (18 * MIB), *other;

  upload (small, bytes, 300000);
  upload (large, bytes, 20 * MIB);
  ops ()->free (twin_cuda (), small, 300000);
  ops ()->free (twin_cuda (), large, 20 * MIB);

  g_assert_true (alloc (299900) == small);
  assert_bytes (small, zeros, 299900);
  ops ()->free (twin_cuda (), small, 299900);

  /* Not for what is much smaller. */
  other = alloc (14 * MIB);
  g_assert_true (other != large);
  g_assert_true (alloc (16 * MIB) == large);
  assert_bytes (large, zeros, 16 * MIB);
  ops ()->free (twin_cuda (), large, 16 * MIB);
  ops ()->free (twin_cuda (), less, 18 * MIB);

  /* The best of several that are large enough. */
  g_assert_true (alloc (16 * MIB) == less);
  g_assert_true (alloc (16 * MIB) == large);
  ops ()->free (twin_cuda (), large, 16 * MIB);
  ops ()->free (twin_cuda (), less, 16 * MIB);
  ops ()->free (twin_cuda (), other, 14 * MIB);
}

static void
test_limit (void)
{
  g_autoptr (GError) error = NULL;
  gpointer blocks[3];

  g_assert_null (ops ()->alloc (twin_cuda (), G_MAXSSIZE, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (
      strstr (error->message, "[device][alloc] cuda:0: cannot get 9223372036854775807 bytes of memory"));
  g_clear_error (&error);
  g_assert_true (ops ()->check (twin_cuda (), NULL));

  if (!twin_is_emulated ())
    {
      g_test_skip ("needs a GPU with little memory, such as the emulated one");
      return;
    }

  g_setenv ("SNG_EMULATOR_MEMORY", "67108864", TRUE);
  /* What is kept is given back when another size needs it. */
  for (guint i = 0; i < 3; i++)
    blocks[i] = alloc (16 * MIB);
  for (guint i = 0; i < 3; i++)
    ops ()->free (twin_cuda (), blocks[i], 16 * MIB);
  blocks[0] = alloc (48 * MIB);

  g_assert_null (ops ()->alloc (twin_cuda (), 32 * MIB, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "[device][alloc] cuda:0: cannot get 33554432 bytes of memory: "));
  g_assert_nonnull (strstr (error->message, " of 67108864 bytes are free"));
  g_clear_error (&error);

  /* That is no failure of the device. */
  g_assert_true (ops ()->check (twin_cuda (), NULL));
  ops ()->free (twin_cuda (), blocks[0], 48 * MIB);
  g_unsetenv ("SNG_EMULATOR_MEMORY");
}

#define N_ROUNDS 40

typedef struct
{
  guint8 seed;
  gboolean right;
} Worker;

static gpointer
worker_thread (gpointer data)
{
  Worker *worker = data;
  SngDevice *device = twin_cuda ();

  worker->right = TRUE;
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      gsize n_bytes = 1 + 3333 * (gsize) (i % 5);
      g_autofree guint8 *bytes = make_bytes (n_bytes, (guint8) (worker->seed + i));
      g_autofree guint8 *back = g_malloc0 (n_bytes);
      guint8 *first = ops ()->alloc (device, n_bytes, NULL), *second = ops ()->alloc (device, n_bytes, NULL);

      worker->right &= ops ()->upload (device, first, bytes, n_bytes, NULL);
      ops ()->copy (device, second, first, n_bytes);
      worker->right &= ops ()->download (device, back, second, n_bytes, NULL);
      worker->right &= memcmp (bytes, back, n_bytes) == 0;
      ops ()->free (device, first, n_bytes);
      ops ()->free (device, second, n_bytes);
    }
  return NULL;
}

static void
test_threads (void)
{
  Worker workers[4];
  GThread *threads[4];

  twin_cuda ();
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      workers[i] = (Worker){ .seed = (guint8) (50 * i) };
      threads[i] = g_thread_new ("worker", worker_thread, &workers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (workers[i].right);
}

typedef struct
{
  guint8 *input;
  guint8 *output;
  guint n_calls;
} Pass;

static void
pass_func (gpointer data)
{
  Pass *pass = data;

  pass->n_calls++;
  ops ()->zero (twin_cuda (), pass->output, 500);
  ops ()->copy (twin_cuda (), pass->output + 100, pass->input, 300);
}

/* Whatever run does, and however often: what comes out is made of what is in memory then. */
static void
test_run (void)
{
  Pass pass = { .input = alloc (300), .output = alloc (500) };

  for (guint i = 0; i < 6; i++)
    {
      g_autofree guint8 *bytes = make_bytes (300, (guint8) (11 * i));
      guint8 expected[500] = { 0 };

      memcpy (expected + 100, bytes, 300);
      upload (pass.input, bytes, 300);
      ops ()->run (twin_cuda (), "pass", 4, pass_func, &pass);
      assert_bytes (pass.output, expected, 500);
    }

  g_assert_cmpuint (pass.n_calls, >=, 1);
  g_assert_true (ops ()->check (twin_cuda (), NULL));
  ops ()->free (twin_cuda (), pass.input, 300);
  ops ()->free (twin_cuda (), pass.output, 500);
}

static void
test_tensors (void)
{
  const gint64 shape[] = { 3, 5 };
  double values[15];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) host = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  g_autoptr (SngTensor) back = NULL;
  g_autoptr (SngTensor) row = NULL;
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = 1.5 * i - 7;
  host = sng_tensor_new_from_values (SNG_DTYPE_F32, shape, 2, values, G_N_ELEMENTS (values), NULL);
  tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 2, twin_cuda (), &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_get_device (tensor) == twin_cuda ());
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 14), ==, 0);

  g_assert_true (sng_tensor_copy_from (tensor, host, &error));
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 14), ==, 14);
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 0), ==, -7);
  g_assert_true (sng_tensor_equal (tensor, host));

  back = sng_tensor_new (SNG_DTYPE_F32, shape, 2, NULL, NULL);
  g_assert_true (sng_tensor_copy_from (back, tensor, &error));
  g_assert_true (sng_tensor_equal (back, host));

  row = sng_tensor_new_view (tensor, 5, (gint64[]){ 5 }, 1, NULL, 0, &error);
  g_assert_no_error (error);
  bytes = sng_tensor_dup_bytes (row, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (((const float *) g_bytes_get_data (bytes, NULL))[0], ==, 0.5);
  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = g_bytes_new_static ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\x3f", 20);
  g_assert_true (sng_tensor_set_bytes (row, bytes, &error));
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 4), ==, -1);
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 5), ==, 0);
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 9), ==, 1);
  g_assert_cmpfloat (sng_tensor_get_value (tensor, 10), ==, 8);
  g_assert_false (sng_tensor_equal (tensor, host));
}

static void
test_strided_tensors (void)
{
  const gint64 shape[] = { 3, 5 }, turned_shape[] = { 5, 3 }, strides[] = { 1, 5 };
  double values[15];
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) host = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  g_autoptr (SngTensor) turned = NULL;
  g_autoptr (SngTensor) host_turned = NULL;
  g_autoptr (SngTensor) copy = NULL;

  if (ops ()->gather == NULL)
    {
      g_test_skip ("needs gather and scatter");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = 1.5 * i - 7;
  host = sng_tensor_new_from_values (SNG_DTYPE_F32, shape, 2, values, G_N_ELEMENTS (values), NULL);
  tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 2, twin_cuda (), &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_copy_from (tensor, host, &error));
  turned = sng_tensor_new_view (tensor, 0, turned_shape, 2, strides, 2, &error);
  g_assert_no_error (error);
  host_turned = sng_tensor_new_view (host, 0, turned_shape, 2, strides, 2, &error);
  g_assert_no_error (error);

  g_assert_cmpfloat (sng_tensor_get_value (turned, 1), ==, values[5]);
  g_assert_true (sng_tensor_equal (turned, host_turned));
  copy = sng_tensor_copy (turned, &error);
  g_assert_no_error (error);
  g_assert_true (sng_tensor_equal (copy, host_turned));
  SNG_DEVICE_GET_CLASS (twin_cuda ())->zero (twin_cuda (), sng_tensor_get_data (tensor), sizeof (float) * 15);
  g_assert_true (sng_tensor_copy_from (turned, copy, &error));
  g_assert_true (sng_tensor_equal (tensor, host));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  g_test_add_func ("/sng/cuda/device/transfers", test_transfers);
  g_test_add_func ("/sng/cuda/device/many-uploads", test_many_uploads);
  g_test_add_func ("/sng/cuda/device/nothing", test_nothing);
  g_test_add_func ("/sng/cuda/device/overlap", test_overlap);
  g_test_add_func ("/sng/cuda/device/reuse", test_reuse);
  g_test_add_func ("/sng/cuda/device/limit", test_limit);
  g_test_add_func ("/sng/cuda/device/threads", test_threads);
  g_test_add_func ("/sng/cuda/device/run", test_run);
  g_test_add_func ("/sng/cuda/device/tensors", test_tensors);
  g_test_add_func ("/sng/cuda/device/strided-tensors", test_strided_tensors);

  return g_test_run ();
}
