/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The seam below a save in the background: what is staged is what was there when it was told to, though the GPU copies it
 * later, and what does not write to it goes on beside.
 *
 * The emulator puts off all work until somebody waits for it. So a write that does not wait for the copies comes before them as
 * soon as somebody waits for the write. */

#include <string.h>

#include "tensor-fixture.h"
#include "twin-fixture.h"

#define N 3000

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

/* ---- What writes to a tensor ---- */

static void
write_zero (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);

  ops (device)->zero (device, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor));
}

static void
write_upload (SngTensor *tensor)
{
  g_autofree guint8 *data = g_malloc (sng_tensor_get_n_bytes (tensor));
  g_autoptr (GBytes) bytes = NULL;

  memset (data, 0x7f, sng_tensor_get_n_bytes (tensor));
  bytes = g_bytes_new (data, sng_tensor_get_n_bytes (tensor));
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, NULL));
}

static void
write_copy (SngTensor *tensor)
{
  g_autoptr (SngTensor) other =
      tensor_fixture_new (sng_tensor_get_device (tensor), sng_tensor_get_n_elements (tensor), -1);

  g_assert_true (sng_tensor_copy_from (tensor, other, NULL));
}

/* Every other element, in the other direction. */
static void
write_scatter (SngTensor *tensor)
{
  const gint64 n = sng_tensor_get_n_elements (tensor) / 2, stride = -2;
  g_autoptr (SngTensor) view = sng_tensor_new_view (tensor, 2 * n - 1, &n, 1, &stride, 1, NULL);

  write_upload (view);
}

/* A step of 1 against a gradient of 7. */
static SngSpan
new_span (SngTensor *tensor, SngTensor *gradient)
{
  return (SngSpan){
    .n_elements = (gsize) sng_tensor_get_n_elements (tensor),
    .learning_rate_factor = 1,
    .gradient = sng_tensor_get_data (gradient),
    .parameter = sng_tensor_get_data (tensor),
  };
}

static void
write_sgd (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) gradient = tensor_fixture_new (device, sng_tensor_get_n_elements (tensor), 7);
  const SngSpan span = new_span (tensor, gradient);
  const SngSgdUpdate op = { .update = { .step = 1, .learning_rate = 1, .n_spans = 1, .spans = &span } };

  ops (device)->math->f32->sgd (device, &op);
}

static void
write_adamw (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  gint64 n = sng_tensor_get_n_elements (tensor);
  g_autoptr (SngTensor) gradient = tensor_fixture_new (device, n, 7);
  g_autoptr (SngTensor) first = tensor_fixture_new (device, n, 0);
  g_autoptr (SngTensor) second = tensor_fixture_new (device, n, 0);
  SngSpan span = new_span (tensor, gradient);
  const SngAdamwUpdate op = {
    .update = { .step = 1, .learning_rate = 1, .n_spans = 1, .spans = &span },
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
  };

  span.buffers[0] = sng_tensor_get_data (first);
  span.buffers[1] = sng_tensor_get_data (second);
  ops (device)->math->f32->adamw (device, &op);
}

static void
write_average (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) other = tensor_fixture_new (device, sng_tensor_get_n_elements (tensor), 1000);
  const SngAverage step = {
    .n_elements = (gsize) sng_tensor_get_n_elements (tensor),
    .weight = 0.5,
    .value = sng_tensor_get_data (other),
    .average = sng_tensor_get_data (tensor),
  };

  ops (device)->math->f32->average (device, 1, &step);
}

static void
write_exchange (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  g_autoptr (SngTensor) other = tensor_fixture_new (device, sng_tensor_get_n_elements (tensor), 1000);

  ops (device)->math->f32->exchange (device, (gsize) sng_tensor_get_n_elements (tensor),
                                     sng_tensor_get_data (other), sng_tensor_get_data (tensor));
}

static void
write_scale (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  const SngArray array = { (gsize) sng_tensor_get_n_elements (tensor), sng_tensor_get_data (tensor) };

  ops (device)->math->f32->scale (device, 1, &array, 3);
}

static const struct
{
  const char *name;
  void (*write) (SngTensor *tensor);
} writers[] = {
  { "zero", write_zero },       { "upload", write_upload },     { "copy", write_copy },
  { "scatter", write_scatter }, { "sgd", write_sgd },           { "adamw", write_adamw },
  { "average", write_average }, { "exchange", write_exchange }, { "scale", write_scale },
};

/* ---- What is staged ---- */

/* As sng_tensor_dup_bytes(), later. */
typedef struct
{
  SngDevice *device;
  gsize n_bytes;
  guint8 *host;
} Staged;

static Staged
stage (SngTensor *tensor)
{
  SngDevice *device = sng_tensor_get_device (tensor);
  Staged staged = { device, sng_tensor_get_n_bytes (tensor), NULL };
  g_autoptr (GError) error = NULL;

  staged.host = ops (device)->alloc_staging (device, staged.n_bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint ((gsize) staged.host % 64, ==, 0);
  memset (staged.host, 0xee, staged.n_bytes);
  g_assert_true (
      ops (device)->stage (device, staged.host, sng_tensor_get_data (tensor), staged.n_bytes, &error));
  g_assert_no_error (error);

  return staged;
}

static void
staged_clear (Staged *staged)
{
  ops (staged->device)->free_staging (staged->device, staged->host, staged->n_bytes);
}

/* Nobody has copied anything yet. */
static gboolean
is_untouched (const Staged *staged)
{
  for (gsize i = 0; i < staged->n_bytes; i++)
    if (staged->host[i] != 0xee)
      return FALSE;

  return TRUE;
}

static gboolean
holds (const Staged *staged, GBytes *expected)
{
  return g_bytes_get_size (expected) == staged->n_bytes
         && memcmp (staged->host, g_bytes_get_data (expected, NULL), staged->n_bytes) == 0;
}

static void
test_writer (gconstpointer data)
{
  guint which = GPOINTER_TO_UINT (data);
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = tensor_fixture_new (device, N, 5);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GError) error = NULL;
  Staged staged = stage (tensor);

  writers[which].write (tensor);
  tensor_fixture_synchronize (tensor);
  after = sng_tensor_dup_bytes (tensor, NULL);
  g_assert_false (g_bytes_equal (before, after));

  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* What does not write to it goes on beside the copy. */
static void
test_beside (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = tensor_fixture_new (device, N, 5);
  g_autoptr (SngTensor) other = tensor_fixture_new (device, N, 6);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  Staged staged = stage (tensor);

  if (!twin_is_emulated ())
    {
      g_test_skip ("only the emulator puts off what nobody waits for");
      staged_clear (&staged);
      return;
    }

  write_zero (other);
  write_upload (other);
  tensor_fixture_synchronize (other);
  tensor_fixture_synchronize (tensor);
  g_assert_true (is_untouched (&staged));

  write_zero (tensor);
  g_assert_true (is_untouched (&staged));
  tensor_fixture_synchronize (other);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* It sees what was written before, though nobody has waited for that. */
static void
test_after (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (SngTensor) tensor = tensor_fixture_new (device, N, 5);
  g_autoptr (SngTensor) host = tensor_fixture_new (NULL, N, 5);
  g_autoptr (GBytes) expected = sng_tensor_dup_bytes (host, NULL);
  g_autoptr (GError) error = NULL;
  Staged staged = stage (tensor);

  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, expected));
  staged_clear (&staged);
}

/* Nobody gets its memory before it was read. */
static void
test_life (void)
{
  SngDevice *device = twin_cuda ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) before = NULL;
  const gint64 n = 200001; /* no other test has a block of that size */
  gpointer address;
  Staged staged;

  {
    g_autoptr (SngTensor) tensor = tensor_fixture_new (device, n, 5);

    before = sng_tensor_dup_bytes (tensor, NULL);
    write_zero (tensor);
    g_clear_object (&tensor);
    tensor = tensor_fixture_new (device, n, 5);
    address = sng_tensor_get_data (tensor);
    staged = stage (tensor);
  }
  {
    g_autoptr (SngTensor) next = tensor_fixture_new (device, n, 99);

    g_assert_true (sng_tensor_get_data (next) == address);
    tensor_fixture_synchronize (next);
  }
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* What somebody else puts on a stream of theirs comes after the copies as well. */
static void
test_foreign (void)
{
  SngDevice *owner = twin_cuda ();
  g_autoptr (SngDevice) other = sng_device_new ("cuda", NULL);
  g_autoptr (SngTensor) tensor = tensor_fixture_new (owner, N, 5);
  g_autoptr (GBytes) before = sng_tensor_dup_bytes (tensor, NULL);
  g_autoptr (GError) error = NULL;
  gint64 stream = (gint64) sng_device_get_stream (other);
  gpointer managed = sng_tensor_to_dlpack_on (tensor, TRUE, FALSE, stream, &error);
  g_autoptr (SngTensor) shared = sng_tensor_new_from_dlpack_on (managed, TRUE, stream, &error);
  SngDevice *device = sng_tensor_get_device (shared);
  Staged staged;

  g_assert_no_error (error);
  g_assert_true (device != other && device != owner);
  g_assert_cmpint ((gint64) sng_device_get_stream (device), ==, stream);
  staged = stage (shared);
  ops (other)->zero (other, sng_tensor_get_data (tensor), sng_tensor_get_n_bytes (tensor));
  tensor_fixture_synchronize (shared);
  g_assert_cmpfloat (sng_tensor_get_value (shared, 7), ==, 0);
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  g_assert_true (holds (&staged, before));
  staged_clear (&staged);
}

/* Of the stream 2 each thread has one of its own. */
static void
test_thread_stream (void)
{
  g_autoptr (SngTensor) tensor = tensor_fixture_new (twin_cuda (), 4, 5);
  g_autoptr (SngTensor) on_default = NULL;
  g_autoptr (GError) error = NULL;
  gpointer managed = sng_tensor_to_dlpack_on (tensor, TRUE, FALSE, 1, &error);

  g_assert_no_error (error);
  g_assert_null (sng_tensor_new_from_dlpack_on (managed, TRUE, 2, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "[device][stream] "));
  g_clear_error (&error);
  on_default = sng_tensor_new_from_dlpack_on (managed, TRUE, 1, &error);
  g_assert_no_error (error);
}

static void
test_nothing (void)
{
  g_autoptr (SngDevice) device = sng_device_new ("cuda", NULL);
  g_autoptr (SngTensor) empty = tensor_fixture_new (device, 0, 0);
  g_autoptr (GError) error = NULL;
  Staged staged;

  g_assert_true (ops (device)->finish_stage (device, &error));
  staged = stage (empty);
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_true (ops (device)->finish_stage (device, &error));
  g_assert_no_error (error);
  staged_clear (&staged);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  twin_cuda ();

  for (guint i = 0; i < G_N_ELEMENTS (writers); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/stage/before/%s", writers[i].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_writer);
    }
  g_test_add_func ("/sng/cuda/stage/beside", test_beside);
  g_test_add_func ("/sng/cuda/stage/after", test_after);
  g_test_add_func ("/sng/cuda/stage/life", test_life);
  g_test_add_func ("/sng/cuda/stage/foreign", test_foreign);
  g_test_add_func ("/sng/cuda/stage/thread-stream", test_thread_stream);
  g_test_add_func ("/sng/cuda/stage/nothing", test_nothing);

  return g_test_run ();
}
