/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include "cuda/sng-cuda-device-private.h"

/* The scratch memory of threads that end. */

#define N_BYTES (7u << 20)
#define N_THREADS 6

static gsize
count_used (void)
{
  gsize n_free, total;

  g_assert_cmpint (cudaMemGetInfo (&n_free, &total), ==, cudaSuccess);
  return total - n_free;
}

static gpointer
ask_thread (gpointer device)
{
  for (guint use = SNG_CUDA_SCRATCH_KERNEL; use <= SNG_CUDA_SCRATCH_PRODUCT; use++)
    {
      gpointer data = sng_cuda_device_scratch (device, (SngCudaScratch) use, N_BYTES);

      g_assert_nonnull (data);
      g_assert_true (sng_cuda_device_scratch (device, (SngCudaScratch) use, N_BYTES / 2) == data);
    }
  return NULL;
}

/* One after the other they need no more memory than one of them. */
static void
test_short_threads (void)
{
  g_autoptr (SngDevice) device = sng_cuda_device_new (0, 0, NULL);
  gsize n_used = count_used ();

  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (g_thread_new ("ask", ask_thread, device));
  g_assert_cmpuint (count_used (), <=, n_used + 2 * (N_BYTES + (2 << 20)));
}

/* A thread that waits before it ends. */
typedef struct
{
  GMutex mutex;
  GCond changed;
  SngDevice *devices[2];
  gboolean has_asked;
  gboolean may_end;
} Guest;

static gpointer
guest_thread (gpointer data)
{
  Guest *guest = data;

  g_mutex_lock (&guest->mutex);
  for (guint i = 0; i < G_N_ELEMENTS (guest->devices); i++)
    ask_thread (guest->devices[i]);
  guest->has_asked = TRUE;
  g_cond_broadcast (&guest->changed);
  while (!guest->may_end)
    g_cond_wait (&guest->changed, &guest->mutex);
  g_mutex_unlock (&guest->mutex);
  return NULL;
}

static GThread *
guest_begin (Guest *guest)
{
  GThread *thread;

  g_mutex_init (&guest->mutex);
  g_cond_init (&guest->changed);
  for (guint i = 0; i < G_N_ELEMENTS (guest->devices); i++)
    guest->devices[i] = sng_cuda_device_new (0, 0, NULL);
  thread = g_thread_new ("guest", guest_thread, guest);
  g_mutex_lock (&guest->mutex);
  while (!guest->has_asked)
    g_cond_wait (&guest->changed, &guest->mutex);
  g_mutex_unlock (&guest->mutex);
  return thread;
}

static void
guest_end (Guest *guest, GThread *thread)
{
  g_mutex_lock (&guest->mutex);
  guest->may_end = TRUE;
  g_cond_broadcast (&guest->changed);
  g_mutex_unlock (&guest->mutex);
  g_thread_join (thread);
  g_mutex_clear (&guest->mutex);
  g_cond_clear (&guest->changed);
  for (guint i = 0; i < G_N_ELEMENTS (guest->devices); i++)
    g_clear_object (&guest->devices[i]);
}

/* It is dropped on each device, and on each at once of use to its other threads. */
static void
test_several_devices (void)
{
  Guest guest = { 0 };
  GThread *thread = guest_begin (&guest);
  gsize n_used = count_used ();
  SngDevice *devices[2];

  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    devices[i] = g_object_ref (guest.devices[i]);
  guest_end (&guest, thread);
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    {
      ask_thread (devices[i]);
      g_assert_cmpuint (count_used (), ==, n_used);
    }
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    g_object_unref (devices[i]);
}

/* That of others stays. */
static void
test_others (void)
{
  Guest guest = { 0 };
  GThread *thread = guest_begin (&guest);
  g_autoptr (SngDevice) device = g_object_ref (guest.devices[0]);
  gpointer before, after, data;

  before = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, N_BYTES);
  guest_end (&guest, thread);
  data = SNG_DEVICE_GET_CLASS (device)->alloc (device, N_BYTES, NULL);
  after = sng_cuda_device_scratch (device, SNG_CUDA_SCRATCH_KERNEL, N_BYTES);
  g_assert_true (before == after && data != before);
  SNG_DEVICE_GET_CLASS (device)->free (device, data, N_BYTES);
}

/* A device that goes before the thread takes its scratch memory with it. */
static void
test_device_first (void)
{
  gsize n_used[2];

  for (guint i = 0; i < G_N_ELEMENTS (n_used); i++)
    {
      Guest guest = { 0 };
      GThread *thread = guest_begin (&guest);

      g_clear_object (&guest.devices[1]);
      g_clear_object (&guest.devices[0]);
      guest_end (&guest, thread);
      n_used[i] = count_used ();
    }
  g_assert_cmpuint (n_used[1], ==, n_used[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/scratch/short-threads", test_short_threads);
  g_test_add_func ("/sng/cuda/scratch/several-devices", test_several_devices);
  g_test_add_func ("/sng/cuda/scratch/others", test_others);
  g_test_add_func ("/sng/cuda/scratch/device-first", test_device_first);

  return g_test_run ();
}
