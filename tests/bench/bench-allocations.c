/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE /* dl_iterate_phdr */

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <string.h>

#include "bench-training.h"

/* How often, and for how many bytes, each part of a training step asks the allocator, for models of several depths: what
 * libsng itself asks for must not depend on the model. oneDNN, which packs the matrices of a product into memory of its own, is
 * counted by itself. All threads are counted. */

#define N_WARM_UP 3
#define N_STEPS 4

/* glibc's own functions under their second names; those below take the place of the first ones. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

typedef struct
{
  atomic_size_t n_calls;
  atomic_size_t n_bytes;
} Counter;

static Counter others, onednn;
static gsize onednn_begin, onednn_end; /* where its code lies */

static int
find_onednn (struct dl_phdr_info *info, size_t size, void *data)
{
  if (strstr (info->dlpi_name, "libdnnl") == NULL)
    return 0;

  for (guint i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X) != 0)
      {
        onednn_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        onednn_end = onednn_begin + info->dlpi_phdr[i].p_memsz;
      }

  return 1;
}

static inline void
count (void *caller, size_t size)
{
  gboolean is_onednn = (gsize) caller >= onednn_begin && (gsize) caller < onednn_end;
  Counter *counter = is_onednn ? &onednn : &others;

  atomic_fetch_add_explicit (&counter->n_calls, 1, memory_order_relaxed);
  atomic_fetch_add_explicit (&counter->n_bytes, size, memory_order_relaxed);
}

void *
malloc (size_t size)
{
  count (__builtin_return_address (0), size);

  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  count (__builtin_return_address (0), n * size);

  return __libc_calloc (n, size);
}

void *
realloc (void *memory, size_t size)
{
  count (__builtin_return_address (0), size);

  return __libc_realloc (memory, size);
}

void *
memalign (size_t alignment, size_t size)
{
  count (__builtin_return_address (0), size);

  return __libc_memalign (alignment, size);
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  count (__builtin_return_address (0), size);

  return __libc_memalign (alignment, size);
}

int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  count (__builtin_return_address (0), size);
  *memory = __libc_memalign (alignment, size);

  return *memory != NULL ? 0 : ENOMEM;
}

static void
check (gboolean done, GError *error)
{
  if (!done)
    g_error ("%s", error->message);
}

static void
begin (void)
{
  Counter *counters[] = { &others, &onednn };

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    {
      atomic_store (&counters[i]->n_calls, 0);
      atomic_store (&counters[i]->n_bytes, 0);
    }
}

static void
end (const char *what)
{
  g_print ("  %-26s %7.1f (%8.0f bytes)   oneDNN %7.1f (%9.0f bytes)\n", what,
           (double) atomic_load (&others.n_calls) / N_STEPS, (double) atomic_load (&others.n_bytes) / N_STEPS,
           (double) atomic_load (&onednn.n_calls) / N_STEPS,
           (double) atomic_load (&onednn.n_bytes) / N_STEPS);
}

static void
measure_parts (SngTrainer *trainer, SngStateDict *batch)
{
  SngModel *model = sng_trainer_get_model (trainer);
  SngOptimizer *optimizer = sng_trainer_get_optimizer (trainer);
  GError *error = NULL;

  begin ();
  for (guint i = 0; i < N_STEPS; i++)
    {
      SngStateDict *outputs = sng_model_forward (model, batch, SNG_STAGE_TRAIN, &error);

      check (outputs != NULL, error);
      g_object_unref (outputs);
    }
  end ("forward");

  begin ();
  for (guint i = 0; i < N_STEPS; i++)
    check (sng_model_zero_gradients (model, &error), error);
  end ("zero gradients");

  begin ();
  for (guint i = 0; i < N_STEPS; i++)
    {
      SngStateDict *outputs = sng_model_forward (model, batch, SNG_STAGE_TRAIN, &error);

      check (outputs != NULL && sng_model_backward (model, 1, &error), error);
      g_object_unref (outputs);
    }
  end ("forward and backward");

  begin ();
  for (guint i = 0; i < N_STEPS; i++)
    check (sng_optimizer_step (optimizer, &error), error);
  end ("AdamW");
}

static SngStateDict *
load_batch (SngTrainer *trainer, guint n_sequences)
{
  const gint64 shape[] = { n_sequences };
  g_autoptr (SngTensor) samples = sng_tensor_new (SNG_DTYPE_I64, shape, 1, NULL, NULL);
  g_autoptr (SngRngStream) rng = sng_rng_stream_new (0, "bench", 0);
  GError *error = NULL;
  SngStateDict *batch;

  for (guint i = 0; i < n_sequences; i++)
    ((gint64 *) sng_tensor_get_data (samples))[i] = i;
  batch = sng_data_module_load_batch (sng_trainer_get_data_module (trainer), SNG_STAGE_TRAIN, samples, rng,
                                      &error);
  check (batch != NULL, error);

  return batch;
}

static void
measure (guint n_layers, guint hidden_size, guint n_heads, guint n_tokens)
{
  const BenchTraining training = {
    .n_layers = n_layers,
    .hidden_size = hidden_size,
    .n_heads = n_heads,
    .n_sequences = 2,
    .n_tokens = n_tokens,
  };
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_autoptr (SngTrainer) trainer = bench_training_new_trainer (&training, device);
  g_autoptr (SngStateDict) batch = load_batch (trainer, training.n_sequences);

  g_print ("%u x %u, %u tokens\n", n_layers, hidden_size, n_tokens);
  bench_training_run (trainer, N_WARM_UP);
  begin ();
  bench_training_run (trainer, N_STEPS);
  end ("whole step of the trainer");
  measure_parts (trainer, batch);
}

int
main (void)
{
  dl_iterate_phdr (find_onednn, NULL);
  g_print ("allocations in a step\n");
  measure (2, 64, 4, 64);
  measure (4, 64, 4, 64);
  measure (2, 128, 4, 64);
  measure (2, 64, 4, 256);
  measure (6, 320, 20, 512);

  return 0;
}
