/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>

#include "cuda/sng-cuda-device-private.h"

/* What a list of fingerprints asks of CUDA: one launch and one wait where it fits into the kernel's parameter. */

#define N_BYTES (1u << 20)
#define N_SLOTS 16    /* of sng-cuda-slots.c */
#define N_FITTING 126 /* contiguous tensors */
#define N_ROUNDS 5

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

/* A device with random bytes in its memory, and a list of tensors that lie there. */
typedef struct
{
  SngDevice *device;
  guint8 *host;
  guint8 *memory;
  SngLayout layouts[2 * N_FITTING];
  gint64 shapes[2 * N_FITTING][2];
  gint64 strides[2 * N_FITTING][2];
  gsize offsets[2 * N_FITTING];
  gsize n;
  gboolean summarize;
} Fixture;

static void
fixture_init (Fixture *self, guint gpu, guint64 stream, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  self->summarize = TRUE;
  self->device = sng_cuda_device_new (gpu, stream, &error);
  g_assert_no_error (error);
  self->host = g_malloc (N_BYTES);
  for (gsize i = 0; i < N_BYTES; i++)
    self->host[i] = (guint8) g_rand_int (rand);
  self->memory = ops (self->device)->alloc (self->device, N_BYTES, &error);
  g_assert_no_error (error);
  g_assert_true (ops (self->device)->upload (self->device, self->memory, self->host, N_BYTES, &error));
}

static void
fixture_clear (Fixture *self)
{
  ops (self->device)->free (self->device, self->memory, N_BYTES);
  g_clear_object (&self->device);
  g_clear_pointer (&self->host, g_free);
}

/* n_rows of n bytes that begin stride bytes behind each other. */
static void
add (Fixture *self, gint64 n_rows, gint64 n, gint64 stride)
{
  gsize i = self->n++;

  self->shapes[i][0] = n_rows;
  self->shapes[i][1] = n;
  self->strides[i][0] = stride;
  self->strides[i][1] = 1;
  self->offsets[i] = i * 1000;
  self->layouts[i] =
      (SngLayout){ SNG_DTYPE_U8, 2, self->shapes[i], self->strides[i], n_rows * n, stride == n };
}

static void
add_many (Fixture *self, guint n_tensors)
{
  for (guint i = 0; i < n_tensors; i++)
    add (self, 1, 4 * (i % 50) + 3, 4 * (i % 50) + 3);
}

/* Three groups of blocks. */
static void
add_large (Fixture *self)
{
  add (self, 1, 3 << 18, 3 << 18);
}

static void
compute (Fixture *self, SngDevice *device, const guint8 *memory, SngBlockSums *sums)
{
  SngRegion elements[2 * N_FITTING];

  for (gsize i = 0; i < self->n; i++)
    elements[i] = (SngRegion){ (gpointer) (memory + self->offsets[i]), &self->layouts[i] };
  ops (device)->fingerprint (device, self->n, elements, self->summarize, sums);
}

/* The GPU's are the processor's. */
static void
check (Fixture *self)
{
  SngBlockSums expected[2 * N_FITTING], sums[2 * N_FITTING];
  g_autoptr (GError) error = NULL;

  memset (sums, 0xff, sizeof sums);
  compute (self, sng_device_get_default (), self->host, expected);
  compute (self, self->device, self->memory, sums);
  g_assert_true (ops (self->device)->check (self->device, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < self->n; i++)
    {
      g_assert_cmphex (sums[i].low, ==, expected[i].low);
      g_assert_cmphex (sums[i].high, ==, expected[i].high);
      if (self->summarize)
        g_assert_cmpfloat (sums[i].sum, ==, expected[i].sum);
    }
}

/* ---- calls ---- */

/* In the order of the fields of Calls. */
static const char *const functions[] = { "cudaLaunchKernel", "cudaStreamSynchronize", "cudaMemcpyAsync",
                                         "cudaEventRecord",  "cudaMemsetAsync",       NULL };

typedef struct
{
  guint n_launches;
  guint n_waits;
  guint n_uploads;
  guint n_records; /* for the upload's slot */
  guint n_zeroed;
  guint n_all; /* but for what only touches the thread */
} Calls;

static void
count_calls (guint n[G_N_ELEMENTS (functions)])
{
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    n[i] = sng_emulator_count_calls (functions[i]);
  n[G_N_ELEMENTS (functions) - 1] -= sng_emulator_count_calls ("cudaSetDevice")
                                     + sng_emulator_count_calls ("cudaThreadExchangeStreamCaptureMode");
}

/* Each slot gets its memory and its event; then nothing is under way. */
static void
prepare_slots (SngDevice *device)
{
  gpointer memory = ops (device)->alloc (device, 1, NULL);

  for (guint i = 0; i < N_SLOTS; i++)
    g_assert_true (ops (device)->upload (device, memory, "", 1, NULL));
  ops (device)->free (device, memory, 1);
  for (guint i = 0; i < N_SLOTS; i++)
    sng_cuda_device_return_slot (device, sng_cuda_device_take_slot (device, 1));
}

static void
check_calls (Fixture *self, Calls expected)
{
  const guint *wanted = (const guint *) &expected;
  guint before[G_N_ELEMENTS (functions)], after[G_N_ELEMENTS (functions)];

  for (self->summarize = 0; self->summarize < 2; self->summarize++)
    {
      SngBlockSums sums[2 * N_FITTING];

      check (self);
      prepare_slots (self->device);
      count_calls (before);
      compute (self, self->device, self->memory, sums);
      count_calls (after);
      for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
        if (after[i] - before[i] != wanted[i])
          g_error ("%s was called %u times in place of %u", functions[i] != NULL ? functions[i] : "anything",
                   after[i] - before[i], wanted[i]);
    }
}

static void
test_small (void)
{
  Fixture fixture;

  fixture_init (&fixture, 0, 0, 1);
  check_calls (&fixture, (Calls){ 0 });
  add (&fixture, 0, 4, 4);
  add (&fixture, 1, 0, 0);
  check_calls (&fixture, (Calls){ 0 });
  add_many (&fixture, 100);
  check_calls (&fixture, (Calls){ .n_launches = 1, .n_waits = 1, .n_all = 2 });
  fixture_clear (&fixture);
}

/* The largest lists that fit, and one tensor or one dimension more. */
static void
test_borders (void)
{
  const Calls fits = { .n_launches = 1, .n_waits = 1, .n_all = 2 };
  const Calls is_uploaded = { .n_launches = 1, .n_waits = 1, .n_uploads = 1, .n_records = 1, .n_all = 4 };
  Fixture fixture;

  fixture_init (&fixture, 0, 0, 2);
  add_many (&fixture, N_FITTING);
  check_calls (&fixture, fits);
  add_many (&fixture, 1);
  check_calls (&fixture, is_uploaded);

  /* Two dimensions have the bytes of a tensor. */
  fixture.n = 0;
  add_many (&fixture, N_FITTING - 4);
  add (&fixture, 7, 5, 30);
  add (&fixture, 7, 9, 30);
  check_calls (&fixture, fits);
  add (&fixture, 1, 12, 12);
  check_calls (&fixture, is_uploaded);
  fixture.n--;
  add (&fixture, 7, 1, 3);
  check_calls (&fixture, is_uploaded);
  fixture_clear (&fixture);
}

/* The counts of groups are zeroed, wherever the list is. */
static void
test_groups (void)
{
  Fixture fixture;

  fixture_init (&fixture, 0, 0, 3);
  add_many (&fixture, 3);
  add_large (&fixture);
  add_many (&fixture, 3);
  add_large (&fixture);
  check_calls (&fixture, (Calls){ .n_launches = 1, .n_waits = 1, .n_zeroed = 1, .n_all = 3 });
  add_many (&fixture, N_FITTING);
  check_calls (
      &fixture,
      (Calls){ .n_launches = 1, .n_waits = 1, .n_uploads = 1, .n_records = 1, .n_zeroed = 1, .n_all = 5 });
  fixture_clear (&fixture);
}

/* Nothing is launched any more, and nothing is found. */
static void
test_after_failure (void)
{
  SngBlockSums sums[100];
  guint n_launches;
  Fixture fixture;

  fixture_init (&fixture, 0, 0, 9);
  add_many (&fixture, G_N_ELEMENTS (sums));
  check (&fixture);
  sng_cuda_device_check (fixture.device, cudaErrorLaunchFailure, "[test]");
  n_launches = sng_emulator_count_calls ("cudaLaunchKernel");
  compute (&fixture, fixture.device, fixture.memory, sums);
  g_assert_cmpuint (sng_emulator_count_calls ("cudaLaunchKernel"), ==, n_launches);
  for (guint i = 0; i < G_N_ELEMENTS (sums); i++)
    g_assert_true (sums[i].low == 0 && sums[i].high == 0 && sums[i].minimum == INFINITY);
  g_assert_null (sng_cuda_device_take_slot (fixture.device, 1));
  fixture_clear (&fixture);
}

/* ---- slots ---- */

/* One that an upload still reads is waited for; one may be larger than any copy that goes through it. */
static void
test_slots (void)
{
  static const gsize sizes[] = { 1, 64 << 10, (64 << 10) + 1, SNG_CUDA_SLOT_BYTES + 1 };
  guint8 bytes[100];
  Fixture fixture;
  SngCudaSlots *slots;

  fixture_init (&fixture, 0, 0, 4);
  slots = SNG_CUDA_DEVICE (fixture.device)->slots;
  memset (bytes, 7, sizeof bytes);
  g_assert_true (ops (fixture.device)->upload (fixture.device, fixture.memory, bytes, sizeof bytes, NULL));
  for (guint i = 0; i < N_SLOTS * G_N_ELEMENTS (sizes); i++)
    {
      SngCudaSlot *slot;
      gsize n_bytes = sizes[i / N_SLOTS];

      g_assert_cmpint (sng_cuda_slots_take (slots, n_bytes, &slot), ==, cudaSuccess);
      memset (sng_cuda_slot_get_data (slot), 9, n_bytes);
      sng_cuda_slots_put_back (slots, slot);
    }

  g_assert_true (ops (fixture.device)->download (fixture.device, bytes, fixture.memory, sizeof bytes, NULL));
  g_assert_cmpint (bytes[0], ==, 7);
  fixture_clear (&fixture);
}

/* What was computed before is no result. */
static void
test_late (void)
{
  Fixture fixture;

  fixture_init (&fixture, 0, 0, 5);
  add_many (&fixture, 100);
  for (guint i = 0; i < 2 * N_SLOTS; i++)
    {
      fixture.host[99 * 1000] = (guint8) i;
      fixture.host[1] = (guint8) i;
      g_assert_true (
          ops (fixture.device)->upload (fixture.device, fixture.memory, fixture.host, N_BYTES, NULL));
      check (&fixture);
    }
  fixture_clear (&fixture);
}

/* ---- threads and devices ---- */

static gpointer
check_thread (gpointer data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    check (data);
  return NULL;
}

static void
check_together (Fixture *first, Fixture *second)
{
  GThread *thread = g_thread_new ("first", check_thread, first);

  check_thread (second);
  g_thread_join (thread);
}

static void
add_some (Fixture *first, Fixture *second)
{
  add_many (first, 100);
  add_large (second);
  add_many (second, N_FITTING);
  add_large (second);
}

static void
test_threads (void)
{
  Fixture first, second;

  fixture_init (&first, 0, 0, 6);
  second = first;
  add_some (&first, &second);
  check_together (&first, &second);
  fixture_clear (&first);
}

/* Two streams of one GPU, and two GPUs. */
static void
test_devices (void)
{
  g_setenv ("SNG_EMULATOR_DEVICES", "2", TRUE);
  for (guint gpu = 0; gpu < 2; gpu++)
    {
      Fixture first, second;

      fixture_init (&first, 0, 0, 7);
      fixture_init (&second, gpu, 0, 8);
      add_some (&first, &second);
      check_together (&first, &second);
      fixture_clear (&second);
      fixture_clear (&first);
    }
  g_unsetenv ("SNG_EMULATOR_DEVICES");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-fingerprint-calls/small", test_small);
  g_test_add_func ("/sng/cuda-fingerprint-calls/borders", test_borders);
  g_test_add_func ("/sng/cuda-fingerprint-calls/groups", test_groups);
  g_test_add_func ("/sng/cuda-fingerprint-calls/after-failure", test_after_failure);
  g_test_add_func ("/sng/cuda-fingerprint-calls/slots", test_slots);
  g_test_add_func ("/sng/cuda-fingerprint-calls/late", test_late);
  g_test_add_func ("/sng/cuda-fingerprint-calls/threads", test_threads);
  g_test_add_func ("/sng/cuda-fingerprint-calls/devices", test_devices);

  return g_test_run ();
}
