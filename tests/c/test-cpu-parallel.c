/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>
#include "cpu/sng-cpu-private.h"

#define N_CHUNKS 1000

typedef struct
{
  SngDevice *device;
  int counts[N_CHUNKS];
} Work;

static void
count_chunk (gpointer data, guint chunk)
{
  Work *work = data;

  g_atomic_int_inc (&work->counts[chunk]);
}

static void
assert_counts (Work *work, guint n_chunks, int count)
{
  for (guint i = 0; i < N_CHUNKS; i++)
    g_assert_cmpint (work->counts[i], ==, i < n_chunks ? count : 0);
}

/* Every chunk once, for any number of threads and chunks. */
static void
test_each_once (void)
{
  static const guint n_chunks[] = { 0, 1, 2, 3, 17, N_CHUNKS };

  for (guint n_threads = 1; n_threads <= 4; n_threads++)
    {
      g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);

      for (guint i = 0; i < G_N_ELEMENTS (n_chunks); i++)
        for (guint repeat = 0; repeat < 20; repeat++)
          {
            Work work = { .device = device };

            sng_cpu_parallel_for (device, n_chunks[i], count_chunk, &work);
            assert_counts (&work, n_chunks[i], 1);
          }
    }
}

typedef struct
{
  guint order[N_CHUNKS];
  int n;
} Order;

static void
note_order (gpointer data, guint chunk)
{
  Order *order = data;

  order->order[g_atomic_int_add (&order->n, 1)] = chunk;
}

/* Under jitter every chunk once too, but in another order, also with one thread; without it all is as before. */
static void
test_jitter (void)
{
  for (guint n_threads = 1; n_threads <= 3; n_threads++)
    {
      g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
      guint n_moved = 0;

      sng_device_set_jitter (7);
      for (guint repeat = 0; repeat < 20; repeat++)
        {
          Work work = { .device = device };
          Order order = { .n = 0 };

          sng_cpu_parallel_for (device, 17, count_chunk, &work);
          assert_counts (&work, 17, 1);
          sng_cpu_parallel_for (device, 17, note_order, &order);
          g_assert_cmpint (order.n, ==, 17);
          n_moved += order.order[0] != 0;
        }
      sng_device_set_jitter (0);
      g_assert_cmpuint (n_moved, >, 10);
    }

  {
    g_autoptr (SngDevice) device = sng_device_new_cpu (1);
    Order order = { .n = 0 };

    sng_cpu_parallel_for (device, 17, note_order, &order);
    for (guint i = 0; i < 17; i++)
      g_assert_cmpuint (order.order[i], ==, i);
  }
}

/* Many short jobs, some of them after the workers fell asleep. */
static void
test_many_jobs (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (3);
  Work work = { .device = device };

  for (guint i = 0; i < 20000; i++)
    {
      sng_cpu_parallel_for (device, 5, count_chunk, &work);
      if (i % 1000 == 0)
        g_usleep (1000);
    }

  assert_counts (&work, 5, 20000);
}

static void
nest_chunk (gpointer data, guint chunk)
{
  Work *work = data;

  sng_cpu_parallel_for (work->device, 7, count_chunk, work);
}

static void
test_nested (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (3);
  Work work = { .device = device };

  sng_cpu_parallel_for (device, 100, nest_chunk, &work);
  assert_counts (&work, 7, 100);
}

static gpointer
caller_thread (gpointer data)
{
  Work *work = data;

  for (guint i = 0; i < 2000; i++)
    sng_cpu_parallel_for (work->device, 11, count_chunk, work);
  return NULL;
}

/* Two threads of the user share one device. */
static void
test_concurrent (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  Work first = { .device = device }, second = { .device = device };
  GThread *a = g_thread_new ("first", caller_thread, &first);
  GThread *b = g_thread_new ("second", caller_thread, &second);

  g_thread_join (a);
  g_thread_join (b);

  assert_counts (&first, 11, 2000);
  assert_counts (&second, 11, 2000);
}

static void
add_chunk (gpointer data, guint chunk)
{
  ((guint *) data)[chunk]++; /* not atomic: one thread takes a chunk, and the caller sees what it wrote */
}

static gpointer
adder_thread (gpointer data)
{
  SngDevice *device = data;
  guint counts[64] = { 0 };

  for (guint i = 0; i < 640; i++)
    sng_cpu_parallel_for (device, 1 + i % 64, add_chunk, counts);
  for (guint i = 0; i < 64; i++)
    g_assert_cmpuint (counts[i], ==, 10 * (64 - i));
  return NULL;
}

/* Devices of all sizes come and go, three threads use each, and some end before their workers have woken up. */
static void
test_churn (void)
{
  for (guint i = 0; i < 400; i++)
    {
      g_autoptr (SngDevice) device = sng_device_new_cpu (1 + i % 8);
      GThread *threads[3] = { NULL };

      for (guint k = 0; k < G_N_ELEMENTS (threads) && i % 16 >= 8; k++)
        threads[k] = g_thread_new ("adder", adder_thread, device);
      for (guint k = 0; k < G_N_ELEMENTS (threads) && i % 16 >= 8; k++)
        g_thread_join (threads[k]);
    }
}

typedef struct
{
  GThread *caller;
  int n_elsewhere;
  int n_openmp_threads;
} Places;

extern int omp_get_max_threads (void);

static void
note_thread (gpointer data, guint chunk)
{
  Places *places = data;

  if (g_thread_self () != places->caller)
    {
      g_atomic_int_inc (&places->n_elsewhere);
      if (omp_get_max_threads () != 1)
        g_atomic_int_inc (&places->n_openmp_threads);
    }
  g_usleep (200);
}

/* The workers do work, and with one OpenMP thread each; a single thread works alone. */
static void
test_places (void)
{
  for (guint n_threads = 1; n_threads <= 2; n_threads++)
    {
      g_autoptr (SngDevice) device = sng_device_new_cpu (n_threads);
      Places places = { .caller = g_thread_self () };

      sng_cpu_parallel_for (device, 100, note_thread, &places);
      g_assert_cmpint (places.n_elsewhere > 0, ==, n_threads > 1);
      g_assert_cmpint (places.n_openmp_threads, ==, 0);
    }
}

static void
test_openmp (void)
{
  int before = omp_get_max_threads ();
  int previous = sng_cpu_single_openmp_begin ();

  g_assert_cmpint (previous, ==, before);
  g_assert_cmpint (omp_get_max_threads (), ==, 1);
  sng_cpu_single_openmp_end (previous);
  g_assert_cmpint (omp_get_max_threads (), ==, before);
}

static void
test_device (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (3);
  g_autoptr (SngDevice) all = sng_device_new_cpu (0);

  g_assert_cmpstr (sng_device_get_name (device), ==, "cpu");
  g_assert_cmpuint (sng_device_get_n_threads (device), ==, 3);
  g_assert_cmpuint (sng_device_get_n_threads (all), ==, g_get_num_processors ());
  g_assert_true (sng_device_get_default () == sng_device_get_default ());
}

/* Aligned, zeroed, and given back: small and large blocks. */
static void
test_memory (void)
{
  static const gsize sizes[] = { 0, 1, 63, 64, 4097, (2 << 20) - 1, 2 << 20, (5 << 20) + 3 };
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  SngDeviceClass *class = SNG_DEVICE_GET_CLASS (device);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint repeat = 0; repeat < 2; repeat++)
      {
        g_autoptr (GError) error = NULL;
        guint8 *data = class->alloc (device, sizes[i], &error);

        g_assert_no_error (error);
        g_assert_cmpuint ((gsize) data % 64, ==, 0);
        for (gsize k = 0; k < sizes[i]; k++)
          if (data[k] != 0)
            g_error ("byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT " is not zero", k, sizes[i]);
        memset (data, 0xff, sizes[i]);
        class->free (device, data, sizes[i]);
      }
}

static void
test_no_memory (void)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (SNG_DEVICE_GET_CLASS (device)->alloc (device, G_MAXSSIZE - 4096, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "[device][alloc] cpu"));
  g_assert_nonnull (strstr (error->message, "9223372036854771711"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cpu-parallel/each-once", test_each_once);
  g_test_add_func ("/sng/cpu-parallel/jitter", test_jitter);
  g_test_add_func ("/sng/cpu-parallel/many-jobs", test_many_jobs);
  g_test_add_func ("/sng/cpu-parallel/nested", test_nested);
  g_test_add_func ("/sng/cpu-parallel/concurrent", test_concurrent);
  g_test_add_func ("/sng/cpu-parallel/churn", test_churn);
  g_test_add_func ("/sng/cpu-parallel/places", test_places);
  g_test_add_func ("/sng/cpu-parallel/openmp", test_openmp);
  g_test_add_func ("/sng/cpu-parallel/device", test_device);
  g_test_add_func ("/sng/cpu-parallel/memory", test_memory);
  g_test_add_func ("/sng/cpu-parallel/no-memory", test_no_memory);

  return g_test_run ();
}
