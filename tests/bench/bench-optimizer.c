/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bench-model.h"
#include "bench-training.h"
#include "cpu/sng-cpu-private.h"

#include <string.h>

/* How long a step of AdamW and one of SGD with momentum take, beside the least that the memory allows:
 * bench-optimizer [--layers N …] (see --help).
 *
 * The least is a pass over as many arrays of as many elements, of which as many are written, with one addition an element, on
 * the same threads. All take turns; medians. The ratio is that of the processor time. */

#define N_WARM_UP 3
#define N_TURNS 30
#define CHUNK 32768
#define LINE 16 /* of the cache, in elements */
#define N_ARRAYS 4

typedef struct
{
  const char *name;
  SngOptimizer *optimizer; /* NULL: the least for the row after this */
  guint n_written;         /* of the arrays, beside the one that is only read */
  GArray *wall;
  GArray *processor;
} Row;

/* Arrays as large as all parameters together, from where tensors come from: the first is read, the others read and written. */
typedef struct
{
  SngTensor *tensors[N_ARRAYS];
  float *arrays[N_ARRAYS];
  guint n_chunks;
  guint n_written;
} Floor;

/* A line of the cache of each array at a time. The first one is read before anything is written: arrays that lie alike in their
 * pages would make a processor wait otherwise. */
static inline __attribute__ ((always_inline)) void
pass (const Floor *self, guint chunk, guint n_written)
{
  for (gsize i = (gsize) chunk * CHUNK; i < ((gsize) chunk + 1) * CHUNK; i += LINE)
    {
      float line[LINE];

      memcpy (line, self->arrays[0] + i, sizeof line);
      for (guint j = 1; j <= n_written; j++)
        {
          float *restrict to = self->arrays[j] + i;

          for (guint k = 0; k < LINE; k++)
            to[k] += line[k];
        }
    }
}

static void
floor_chunk (gpointer data, guint chunk)
{
  const Floor *self = data;

  if (self->n_written == 3)
    pass (self, chunk, 3);
  else
    pass (self, chunk, 2);
}

static gsize
fill_gradients (GListModel *parameters)
{
  gsize n_elements = 0;

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);

      if (gradient == NULL)
        continue;

      for (gint64 j = 0; j < sng_tensor_get_n_elements (gradient); j++)
        ((float *) sng_tensor_get_data (gradient))[j] = (float) ((j * 7919) % 10007 - 5003) / 1e6f;
      n_elements += (gsize) sng_tensor_get_n_elements (gradient);
    }

  return n_elements;
}

static void
floor_init (Floor *self, gsize n_elements)
{
  gint64 n;

  self->n_chunks = (guint) ((n_elements + CHUNK - 1) / CHUNK);
  n = (gint64) CHUNK * self->n_chunks;
  for (guint i = 0; i < N_ARRAYS; i++)
    {
      self->tensors[i] = sng_tensor_new (SNG_DTYPE_F32, &n, 1, NULL, NULL);
      self->arrays[i] = sng_tensor_get_data (self->tensors[i]);
    }
}

static void
floor_clear (Floor *self)
{
  for (guint i = 0; i < N_ARRAYS; i++)
    g_object_unref (self->tensors[i]);
}

static void
run (const Row *row, Floor *least, SngDevice *device)
{
  g_autoptr (GError) error = NULL;

  least->n_written = row->n_written;
  if (row->optimizer == NULL)
    sng_cpu_parallel_for (device, least->n_chunks, floor_chunk, least);
  else if (!sng_optimizer_step (row->optimizer, &error))
    g_error ("%s", error->message);
}

static void
measure (Row *rows, guint n_rows, Floor *least, SngDevice *device)
{
  for (guint i = 0; i < n_rows; i++)
    {
      rows[i].wall = g_array_new (FALSE, FALSE, sizeof (double));
      rows[i].processor = g_array_new (FALSE, FALSE, sizeof (double));
    }

  for (guint turn = 0; turn < N_WARM_UP + N_TURNS; turn++)
    for (guint i = 0; i < n_rows; i++)
      {
        BenchTime time, begin = bench_time_now ();

        run (&rows[i], least, device);
        time = bench_time_since (begin);
        if (turn < N_WARM_UP)
          continue;
        g_array_append_val (rows[i].wall, time.wall);
        g_array_append_val (rows[i].processor, time.processor);
      }
}

/* A row of the least, then one of an optimizer. */
static void
report (Row *rows, guint n_rows)
{
  double least = 0;

  for (guint i = 0; i < n_rows; i++)
    {
      double processor = bench_median (rows[i].processor);

      g_print ("%-28s wall %7.2f ms, processor %7.2f ms", rows[i].name, 1e3 * bench_median (rows[i].wall),
               1e3 * processor);
      if (rows[i].optimizer == NULL)
        least = processor;
      else
        g_print (", %.2f times the least", processor / least);
      g_print ("\n");

      g_array_unref (rows[i].wall);
      g_array_unref (rows[i].processor);
    }
}

int
main (int argc, char *argv[])
{
  BenchShape shape;
  BenchModel model;
  Floor least;
  SngDevice *device;
  GListModel *parameters;
  gsize n_elements;
  g_autofree char *title = NULL;
  g_autoptr (SngParameter) first = NULL;
  g_autoptr (SngOptimizer) sgd = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("- how long a step of an optimizer takes");
  g_autoptr (GError) error = NULL;

  bench_shape_init (&shape);
  bench_shape_add_options (&shape, context);
  if (!g_option_context_parse (context, &argc, &argv, &error) || !bench_model_init (&model, &shape, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }

  parameters = sng_optimizer_get_parameters (model.optimizer);
  first = g_list_model_get_item (parameters, 0);
  device = sng_tensor_get_device (sng_parameter_get_value (first));
  n_elements = fill_gradients (parameters);
  floor_init (&least, n_elements);
  sgd = sng_sgd_new (parameters, 1e-6, 0.9, 0.01);

  {
    Row rows[] = {
      { "4 arrays read, 3 written", NULL, 3, NULL, NULL },
      { "AdamW", model.optimizer, 3, NULL, NULL },
      { "3 arrays read, 2 written", NULL, 2, NULL, NULL },
      { "SGD with momentum", sgd, 2, NULL, NULL },
    };

    title = bench_shape_to_string (&shape);
    g_print ("%s: %" G_GSIZE_FORMAT " elements; medians of %d turns\n", title, n_elements, N_TURNS);
    measure (rows, G_N_ELEMENTS (rows), &least, device);
    report (rows, G_N_ELEMENTS (rows));
  }

  floor_clear (&least);
  bench_model_clear (&model);

  return 0;
}
