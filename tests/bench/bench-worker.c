/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <stdio.h>
#include <string.h>

#include "bench-model.h"

/* libsng's side of bench-pytorch.py, which starts it and tells it on the standard input when to work:
 *
 *   step N    answers with N lines: the step's loss, wall time and processor time in seconds
 *   memory    answers with one line: the resident set before there was a model, and its peak since, in KiB; 0 and 0 where
 *             the system counts neither
 *
 * It writes its initial weights and its batches to DIRECTORY/weights.safetensors and DIRECTORY/batch-0.safetensors (and so
 * on), for the other sides to train the same, and then a line "ready". It ends with its input. */

static guint64
read_status (const char *field)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL)
      || (line = strstr (status, field)) == NULL)
    return 0;

  return g_ascii_strtoull (line + strlen (field), NULL, 10);
}

/* The peak is counted anew from what is resident now. */
static gboolean
forget_peak (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");
  gboolean written = file != NULL && fputs ("5", file) >= 0;

  return file != NULL && fclose (file) == 0 && written;
}

static void
answer_memory (guint64 start, gboolean from_start)
{
  guint64 peak = from_start ? read_status ("VmHWM:") : 0;

  printf ("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n", peak > 0 ? start : 0, peak);
}

static void
save (const char *directory, const char *name, SngStateDict *tensors)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  if (tensors == NULL || !sng_safetensors_save (path, tensors, NULL, &error))
    g_error ("%s", error != NULL ? error->message : "the model has no state");
}

static void
save_batches (const char *directory, GPtrArray *batches)
{
  for (guint i = 0; i < batches->len; i++)
    {
      g_autofree char *name = g_strdup_printf ("batch-%u.safetensors", i);

      save (directory, name, g_ptr_array_index (batches, i));
    }
}

static void
answer_steps (BenchModel *model, guint n_steps)
{
  for (guint i = 0; i < n_steps; i++)
    {
      BenchTime begin = bench_time_now ();
      double loss = bench_model_step (model);
      BenchTime time = bench_time_since (begin);

      printf ("%.9g %.9g %.9g\n", loss, time.wall, time.processor);
    }
}

int
main (int argc, char *argv[])
{
  BenchShape shape;
  BenchModel model;
  guint64 start;
  gboolean from_start;
  char line[64];
  guint n_steps;
  g_autoptr (GOptionContext) context = g_option_context_new ("DIRECTORY - one side of bench-pytorch.py");
  g_autoptr (SngStateDict) weights = NULL;
  g_autoptr (GError) error = NULL;

  bench_shape_init (&shape);
  bench_shape_add_options (&shape, context);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2)
    {
      g_printerr ("%s\n", error != NULL ? error->message : "a directory is missing");
      return 2;
    }

  start = read_status ("VmRSS:");
  if (!bench_model_init (&model, &shape, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  weights = sng_stateful_get_state (SNG_STATEFUL (model.model), &error);
  save (argv[1], "weights.safetensors", weights);
  save_batches (argv[1], model.batches);
  g_clear_object (&weights);
  from_start = forget_peak ();

  setvbuf (stdout, NULL, _IOLBF, 0);
  puts ("ready");
  while (fgets (line, sizeof line, stdin) != NULL)
    if (sscanf (line, "step %u", &n_steps) == 1)
      answer_steps (&model, n_steps);
    else if (g_str_equal (line, "memory\n"))
      answer_memory (start, from_start);
    else
      g_error ("unknown: %s", line);

  bench_model_clear (&model);

  return 0;
}
