/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* RTLD_NEXT */

#include <sng.h>

#include <dlfcn.h>
#include <string.h>

#include "cuda/sng-cuda-device-private.h"

/* Two threads that wait for staged copies: what the one has not waited for stays guarded until the other has. */

#define N_BYTES 5000

typedef struct
{
  SngDevice *device;
  guint8 *memory;
  guint8 *host;
} Staged;

static GMutex mutex;
static GCond changed;
static Staged *later;       /* what the other thread stages when the first one has waited */
static GThread *other;      /* waits for later */
static gboolean is_waiting; /* the other thread */
static gboolean may_wait;   /* the same */

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

static void
staged_init (Staged *self, SngDevice *device, guint8 value)
{
  guint8 bytes[N_BYTES];

  memset (bytes, value, N_BYTES);
  self->device = device;
  self->memory = ops (device)->alloc (device, N_BYTES, NULL);
  self->host = ops (device)->alloc_staging (device, N_BYTES, NULL);
  g_assert_true (self->memory != NULL && self->host != NULL);
  g_assert_true (ops (device)->upload (device, self->memory, bytes, N_BYTES, NULL));
}

static void
staged_clear (Staged *self)
{
  ops (self->device)->free (self->device, self->memory, N_BYTES);
  ops (self->device)->free_staging (self->device, self->host, N_BYTES);
}

static void
stage (Staged *self)
{
  g_assert_true (ops (self->device)->stage (self->device, self->host, self->memory, N_BYTES, NULL));
}

static gpointer
stage_and_finish (gpointer data)
{
  Staged *self = data;

  stage (self);
  g_assert_true (ops (self->device)->finish_stage (self->device, NULL));
  return NULL;
}

/* Stands before the emulator's. When the first thread has waited, and before it goes on, the other one stages and comes to
 * where it would wait. */
cudaError_t
cudaEventSynchronize (cudaEvent_t event)
{
  cudaError_t (*real) (cudaEvent_t) =
      (cudaError_t (*) (cudaEvent_t)) dlsym (RTLD_NEXT, "cudaEventSynchronize");
  cudaError_t status;

  if (later == NULL)
    return real (event);

  g_mutex_lock (&mutex);
  if (other != NULL)
    {
      is_waiting = TRUE;
      g_cond_broadcast (&changed);
      while (!may_wait)
        g_cond_wait (&changed, &mutex);
      g_mutex_unlock (&mutex);
      return real (event);
    }

  status = real (event);
  other = g_thread_new ("other", stage_and_finish, later);
  while (!is_waiting)
    g_cond_wait (&changed, &mutex);
  g_mutex_unlock (&mutex);
  return status;
}

static void
test_two_wait (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = sng_cuda_device_new (0, 0, &error);
  Staged first, second;
  guint8 seen;

  g_assert_no_error (error);
  staged_init (&first, device, 1);
  staged_init (&second, device, 2);
  g_assert_true (ops (device)->download (device, &seen, second.memory, 1, NULL));

  stage (&first);
  later = &second;
  g_assert_true (ops (device)->finish_stage (device, &error));
  later = NULL;
  g_assert_cmpint (first.host[N_BYTES - 1], ==, 1);

  /* The emulator runs this write now, and the copy before it only if it is waited for. */
  ops (device)->zero (device, second.memory, N_BYTES);
  g_assert_true (ops (device)->download (device, &seen, second.memory, 1, NULL));
  g_assert_cmpint (seen, ==, 0);

  g_mutex_lock (&mutex);
  may_wait = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&mutex);
  g_thread_join (other);
  g_assert_cmpint (second.host[0], ==, 2);
  g_assert_cmpint (second.host[N_BYTES - 1], ==, 2);
  staged_clear (&first);
  staged_clear (&second);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda-stage-threads/two-wait", test_two_wait);

  return g_test_run ();
}
