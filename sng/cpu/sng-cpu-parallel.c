/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-private.h"

#include <stdatomic.h>

#include "tensor/sng-philox-private.h"

/* A pool of parked threads and one job at a time.
 *
 * `ticket` says what is left to do: the number of the job in its upper half, the chunks that nobody has taken yet in its
 * lower one. Taking a chunk is one compare-and-swap. Counting down makes the fields of a job safe to read without a
 * lock: they are written only while nothing is left, and whoever read them too early or too late fails to swap.
 *
 * A worker that runs out of chunks watches the ticket for a moment before it sleeps, and so does the caller that waits for
 * the last chunk: the next job or the last chunk is usually only microseconds away, much less than it takes to wake a
 * thread. */

#define N_SPINS 2000

/* Under jitter, one chunk in so many waits for so long, and of the others every second one yields. */
#define SLEEP_ONE_IN 64
#define SLEEP_USEC 50

/* libgomp's; <omp.h> belongs to the compiler that brought it, and clang's may be missing. */
extern void omp_set_num_threads (int n_threads);
extern int omp_get_max_threads (void);

struct _SngCpuPool
{
  _Atomic guint64 ticket;
  _Atomic guint n_done;
  _Atomic guint n_chunks;
  _Atomic (SngChunkFunc) func;
  _Atomic gpointer data;

  _Atomic gboolean busy;
  _Atomic gboolean quit;
  _Atomic guint n_sleeping;
  _Atomic gboolean caller_sleeps;

  GMutex mutex;
  GCond work; /* a job came, or quit */
  GCond done; /* the last chunk of a job is done */

  GThread **workers;
  guint n_workers;
};

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static inline guint
left (SngCpuPool *self)
{
  return (guint) atomic_load (&self->ticket);
}

/* Takes and runs chunks until none is left. */
static void
work (SngCpuPool *self)
{
  guint64 ticket = atomic_load (&self->ticket);

  while ((guint) ticket > 0)
    {
      guint n_chunks = atomic_load_explicit (&self->n_chunks, memory_order_relaxed);
      SngChunkFunc func = atomic_load_explicit (&self->func, memory_order_relaxed);
      gpointer data = atomic_load_explicit (&self->data, memory_order_relaxed);

      if (!atomic_compare_exchange_weak (&self->ticket, &ticket, ticket - 1))
        continue;

      func (data, n_chunks - (guint) ticket);

      if (atomic_fetch_add (&self->n_done, 1) + 1 == n_chunks && atomic_load (&self->caller_sleeps))
        {
          g_mutex_lock (&self->mutex);
          g_cond_signal (&self->done);
          g_mutex_unlock (&self->mutex);
        }

      ticket = atomic_load (&self->ticket);
    }
}

static void
sleep_until_work (SngCpuPool *self)
{
  g_mutex_lock (&self->mutex);
  atomic_fetch_add (&self->n_sleeping, 1);
  while (left (self) == 0 && !atomic_load (&self->quit))
    g_cond_wait (&self->work, &self->mutex);
  atomic_fetch_sub (&self->n_sleeping, 1);
  g_mutex_unlock (&self->mutex);
}

static gpointer
worker_thread (gpointer data)
{
  SngCpuPool *self = data;

  omp_set_num_threads (1);

  while (!atomic_load (&self->quit))
    {
      guint spins = 0;

      work (self);

      while (left (self) == 0 && !atomic_load (&self->quit) && spins++ < N_SPINS)
        relax ();
      if (spins > N_SPINS)
        sleep_until_work (self);
    }

  return NULL;
}

static void
wait_until_done (SngCpuPool *self, guint n_chunks)
{
  for (guint spins = 0; spins < N_SPINS; spins++)
    {
      if (atomic_load (&self->n_done) == n_chunks)
        return;
      relax ();
    }

  g_mutex_lock (&self->mutex);
  atomic_store (&self->caller_sleeps, TRUE);
  while (atomic_load (&self->n_done) != n_chunks)
    g_cond_wait (&self->done, &self->mutex);
  atomic_store (&self->caller_sleeps, FALSE);
  g_mutex_unlock (&self->mutex);
}

static void
run_chunks (SngCpuPool *self, guint n_chunks, SngChunkFunc func, gpointer data)
{
  guint64 job;

  if (n_chunks < 2 || self->n_workers == 0 || atomic_exchange (&self->busy, TRUE))
    {
      for (guint chunk = 0; chunk < n_chunks; chunk++)
        func (data, chunk);
      return;
    }

  atomic_store_explicit (&self->n_chunks, n_chunks, memory_order_relaxed);
  atomic_store_explicit (&self->func, func, memory_order_relaxed);
  atomic_store_explicit (&self->data, data, memory_order_relaxed);
  atomic_store (&self->n_done, 0);
  job = (atomic_load (&self->ticket) >> 32) + 1;
  atomic_store (&self->ticket, job << 32 | n_chunks);

  if (atomic_load (&self->n_sleeping) > 0)
    {
      g_mutex_lock (&self->mutex);
      g_cond_broadcast (&self->work);
      g_mutex_unlock (&self->mutex);
    }

  work (self);
  wait_until_done (self, n_chunks);
  atomic_store (&self->busy, FALSE);
}

static _Atomic guint64 jitter_seed;
static _Atomic guint jitter_n_drawn;

void
sng_device_set_jitter (guint64 seed)
{
  atomic_store (&jitter_n_drawn, 0);
  atomic_store (&jitter_seed, seed);
}

/* A job under jitter. */
typedef struct
{
  SngChunkFunc func;
  gpointer data;
  guint n_chunks;
  guint first; /* the chunk that is the first one to be taken */
  guint64 seed;
} JitteredJob;

static guint32
draw (guint64 seed)
{
  const guint32 counter[4] = { atomic_fetch_add (&jitter_n_drawn, 1), 0, 0, 0 };
  guint32 bits[4];

  sng_philox4x32 (seed, counter, bits);

  return bits[0];
}

static void
run_jittered_chunk (gpointer data, guint chunk)
{
  const JitteredJob *job = data;
  guint32 bits = draw (job->seed);

  if (bits % SLEEP_ONE_IN == 0)
    g_usleep (SLEEP_USEC);
  else if (bits % 2 == 0)
    g_thread_yield ();

  job->func (job->data, (chunk + job->first) % job->n_chunks);
}

void
sng_cpu_pool_run (SngCpuPool *self, guint n_chunks, SngChunkFunc func, gpointer data)
{
  guint64 seed = atomic_load_explicit (&jitter_seed, memory_order_relaxed);

  if (seed != 0 && n_chunks > 1)
    {
      JitteredJob job = { func, data, n_chunks, draw (seed) % n_chunks, seed };

      run_chunks (self, n_chunks, run_jittered_chunk, &job);
    }
  else
    {
      run_chunks (self, n_chunks, func, data);
    }
}

/* Does with fewer threads where the system does not give more. */
SngCpuPool *
sng_cpu_pool_new (guint n_threads)
{
  SngCpuPool *self = g_new0 (SngCpuPool, 1);

  g_mutex_init (&self->mutex);
  g_cond_init (&self->work);
  g_cond_init (&self->done);

  self->workers = g_new0 (GThread *, n_threads - 1);
  while (self->n_workers < n_threads - 1)
    {
      GThread *worker = g_thread_try_new ("sng-cpu", worker_thread, self, NULL);

      if (worker == NULL)
        break;
      self->workers[self->n_workers++] = worker;
    }

  return self;
}

guint
sng_cpu_pool_get_n_threads (SngCpuPool *self)
{
  return self->n_workers + 1;
}

void
sng_cpu_pool_free (SngCpuPool *self)
{
  g_mutex_lock (&self->mutex);
  atomic_store (&self->quit, TRUE);
  g_cond_broadcast (&self->work);
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; i < self->n_workers; i++)
    g_thread_join (self->workers[i]);

  g_free (self->workers);
  g_cond_clear (&self->done);
  g_cond_clear (&self->work);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

int
sng_cpu_single_openmp_begin (void)
{
  int previous = omp_get_max_threads ();

  if (previous != 1)
    omp_set_num_threads (1);
  return previous;
}

void
sng_cpu_single_openmp_end (int previous)
{
  if (previous != 1)
    omp_set_num_threads (previous);
}
