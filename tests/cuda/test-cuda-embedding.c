/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include "repeat-fixture.h"

/* Embeddings forward, equal to the bit, and their gradients: of few ids that all rows share, and of many that few do. */

#define N_POSITIONS 260 /* more than the longest sequence has tokens */

/* a block looks at 2048 rows together, and up to 256 blocks add up an id each */
static const gsize some_lengths[] = { 17, 1, 20, 3, 59 };
static const gsize many_lengths[] = { 150, 1, 99, 20, 13 };
static const gsize most_lengths[] = { 250, 250, 250, 250, 250, 250, 250, 250, 1, 60 };

typedef struct
{
  const char *name;
  const gsize *lengths;
  gsize n_sequences;
  gsize n_words;
  gsize n_columns;
  gsize shift; /* of each array, in elements: where no row begins at 16 bytes */
  gint64 frozen_id;
  double rate;
  gboolean plain; /* neither a scale nor positions */
} Case;

static const Case cases[] = {
  { "one-column", some_lengths, 5, 9, 1, 0, -1, 0, FALSE },
  { "one-word", some_lengths, 5, 1, 33, 0, -1, 0.1, TRUE },
  { "odd", some_lengths, 5, 33, 77, 0, 4, 0.3, FALSE },
  { "protein", some_lengths, 5, 33, 320, 0, 4, 0, FALSE },
  { "shifted", some_lengths, 5, 33, 320, 1, 4, 0.3, FALSE },
  { "text", some_lengths, 5, 5000, 260, 0, -1, 0.3, TRUE },
  { "many-rows", most_lengths, 10, 3, 5, 0, -1, 0, FALSE },
  { "many-words", many_lengths, 5, 100000, 12, 0, -1, 0.3, FALSE },
  { "none", some_lengths, 0, 9, 12, 0, -1, 0.3, FALSE },
};

typedef struct
{
  const Case *c;
  TwinRows *rows;
  Twin first_ordinal;
  Twin ids;
  Twin weight;
  Twin row_scale;
  Twin positions;
  Twin output;
  Twin d_output;
  Twin d_weight;
  Twin d_positions;
} Fixture;

static Twin
random_ids (const Case *c, gsize n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  Twin ids = twin_new (SNG_DTYPE_I64, n);

  for (gsize i = 0; i < n; i++)
    twin_set (&ids, i, g_rand_int_range (rand, 0, (gint32) c->n_words));
  twin_upload (&ids);
  return ids;
}

static Fixture *
fixture_new (const Case *c)
{
  const gint64 first_ordinal = (G_GINT64_CONSTANT (5) << 32) - 2;
  Fixture *f = g_new0 (Fixture, 1);
  gsize n_rows;

  f->c = c;
  f->rows = twin_rows_new (c->lengths, c->n_sequences);
  n_rows = f->rows->host.n_rows;
  f->first_ordinal = twin_from (SNG_DTYPE_I64, 1, &first_ordinal);
  f->ids = random_ids (c, n_rows);
  f->weight = twin_random (SNG_DTYPE_F32, c->n_words * c->n_columns + c->shift, 1);
  f->row_scale = twin_random (SNG_DTYPE_F32, n_rows, 2);
  f->positions = twin_random (SNG_DTYPE_F32, N_POSITIONS * c->n_columns + c->shift, 3);
  f->output = twin_random (SNG_DTYPE_F32, n_rows * c->n_columns + c->shift, 4);
  f->d_output = twin_random (SNG_DTYPE_F32, n_rows * c->n_columns + c->shift, 5);
  f->d_weight = twin_random (SNG_DTYPE_F32, c->n_words * c->n_columns + c->shift, 6);
  f->d_positions = twin_random (SNG_DTYPE_F32, N_POSITIONS * c->n_columns + c->shift, 7);
  return f;
}

static void
fixture_free (Fixture *f)
{
  Twin *const twins[] = { &f->first_ordinal, &f->ids,      &f->weight,   &f->row_scale,  &f->positions,
                          &f->output,        &f->d_output, &f->d_weight, &f->d_positions };

  for (guint i = 0; i < G_N_ELEMENTS (twins); i++)
    twin_clear (twins[i]);
  twin_rows_free (f->rows);
  g_free (f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static gpointer
place (SngDevice *device, const Twin *twin, gsize shift)
{
  return (guint8 *) (device == twin_cpu () ? twin->host : twin->device)
         + shift * sng_dtype_get_size (twin->dtype);
}

static SngEmbedding
embedding (const Fixture *f, SngDevice *device)
{
  gsize shift = f->c->shift;

  return (SngEmbedding){
    .rows = device == twin_cpu () ? f->rows->host : f->rows->device,
    .n_columns = f->c->n_columns,
    .ids = place (device, &f->ids, 0),
    .weight = place (device, &f->weight, shift),
    .row_scale = f->c->plain ? NULL : place (device, &f->row_scale, 0),
    .positions = f->c->plain ? NULL : place (device, &f->positions, shift),
    .dropout = { .rate = f->c->rate,
                 .key = 8,
                 .first_ordinal = place (device, &f->first_ordinal, 0),
                 .operation = 5 },
    .output = place (device, &f->output, shift),
    .d_output = place (device, &f->d_output, shift),
    .d_weight = place (device, &f->d_weight, shift),
    .d_positions = f->c->plain ? NULL : place (device, &f->d_positions, shift),
    .frozen_id = f->c->frozen_id,
  };
}

static void
forward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngEmbedding op = embedding (data, device);

  kernels->embedding_forward (device, &op);
}

static void
backward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngEmbedding op = embedding (data, device);

  kernels->embedding_backward (device, &op);
}

/* Embeddings have reals only, so the tables share their kernels. */
static void
test_tables (void)
{
  for (guint table = 1; table < TWIN_N_TABLES; table++)
    {
      g_assert_true (twin_cuda_kernels (table)->embedding_forward
                     == twin_cuda_kernels (0)->embedding_forward);
      g_assert_true (twin_cuda_kernels (table)->embedding_backward
                     == twin_cuda_kernels (0)->embedding_backward);
    }
}

static void
test_case (gconstpointer data)
{
  const SngKernels *cpu = twin_cpu_kernels (0);
  g_autoptr (Fixture) f = fixture_new (data);
  Twin *const outputs[] = { &f->output, NULL };
  Twin *const gradients[] = { &f->d_output, &f->d_weight, &f->d_positions, NULL };

  forward (cpu, twin_cpu (), f);
  repeat_on_cuda (0, forward, f, outputs);
  twin_check_equal (&f->output, "output");

  backward (cpu, twin_cpu (), f);
  repeat_on_cuda (0, backward, f, gradients);
  twin_check_equal (&f->d_output, "d_output");
  twin_check (&f->d_weight, 1e-6, "d_weight");
  twin_check_equal (&f->d_positions, "d_positions");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/cuda/embedding/tables", test_tables);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/embedding/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }

  return g_test_run ();
}
