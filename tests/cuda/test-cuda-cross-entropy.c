/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <math.h>
#include <string.h>
#include "repeat-fixture.h"

/* Cross entropy forward and backward, and the way of its logits to padded rows in between. */

typedef struct
{
  const char *name;
  gsize n_rows;
  gsize n_padded; /* rows of the logits before backward */
  gsize n_classes;
} Case;

/* up to 1024 classes a warp has a row, and backward cuts it after each 2048 */
static const Case cases[] = {
  { "one-class", 5, 5, 1 }, { "protein", 41, 41, 33 }, { "padded", 41, 60, 33 },
  { "warp", 19, 23, 1024 }, { "block", 9, 11, 1025 },  { "several-blocks", 3, 4, 4100 },
  { "no-rows", 0, 0, 33 },
};

typedef struct
{
  const Case *c;
  Twin labels;
  Twin targets;
  Twin logits;
  Twin losses;
  Twin log_sum_exp;
  Twin d_loss;
  Twin d_logits;
} Fixture;

/* Every third row has no label. */
static Twin
make_labels (const Case *c)
{
  Twin labels = twin_new (SNG_DTYPE_I64, c->n_rows);

  for (gsize i = 0; i < c->n_rows; i++)
    twin_set (&labels, i, i % 3 == 1 ? -100 : (double) (i * 37 % c->n_classes));
  twin_upload (&labels);
  return labels;
}

/* Ascending, each at the row itself or behind it; gaps in the midst, and at the end where two are left. */
static Twin
make_targets (gsize n_rows, gsize n_target_rows)
{
  gsize n_gaps = n_target_rows - n_rows;
  Twin targets = twin_new (SNG_DTYPE_I64, n_rows);

  for (gsize i = 0; i < n_rows; i++)
    twin_set (&targets, i, (double) (i + (i + 1) * n_gaps / (n_rows + 1)));
  twin_upload (&targets);
  return targets;
}

static Fixture *
fixture_new (const Case *c, guint table)
{
  const double d_loss = 0.37;
  Fixture *f = g_new0 (Fixture, 1);

  f->c = c;
  f->labels = make_labels (c);
  f->targets = make_targets (c->n_rows, c->n_padded);
  f->logits = twin_random (SNG_DTYPE_F32, c->n_padded * c->n_classes, 1);
  f->losses = twin_random (SNG_DTYPE_F64, c->n_rows, 2);
  f->log_sum_exp = twin_random (SNG_DTYPE_F32, c->n_rows, 3);
  f->d_loss = twin_from (SNG_DTYPE_F64, 1, &d_loss);
  f->d_logits = twin_random (twin_cpu_kernels (table)->operand, c->n_rows * c->n_classes, 4);
  /* wide enough that the largest counts */
  for (gsize i = 0; i < f->logits.n; i++)
    twin_set (&f->logits, i, 20 * twin_get (&f->logits, i));
  twin_upload (&f->logits);
  return f;
}

static void
fixture_free (Fixture *f)
{
  Twin *const twins[] = { &f->labels,      &f->targets, &f->logits,  &f->losses,
                          &f->log_sum_exp, &f->d_loss,  &f->d_logits };

  for (guint i = 0; i < G_N_ELEMENTS (twins); i++)
    twin_clear (twins[i]);
  g_free (f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static gpointer
side (SngDevice *device, const Twin *twin)
{
  return device == twin_cpu () ? twin->host : twin->device;
}

static SngCrossEntropy
cross_entropy (const Fixture *f, SngDevice *device)
{
  return (SngCrossEntropy){
    .n_rows = f->c->n_rows,
    .n_classes = f->c->n_classes,
    .labels = side (device, &f->labels),
    .logits = side (device, &f->logits),
    .logit_rows = f->c->n_rows < f->c->n_padded ? side (device, &f->targets) : NULL,
    .losses = side (device, &f->losses),
    .log_sum_exp = side (device, &f->log_sum_exp),
    .d_loss = side (device, &f->d_loss),
    .d_logits = side (device, &f->d_logits),
  };
}

static void
forward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngCrossEntropy op = cross_entropy (data, device);

  kernels->cross_entropy_forward (device, &op);
}

static void
backward (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  SngCrossEntropy op = cross_entropy (data, device);

  kernels->cross_entropy_backward (device, &op);
}

static void
spread (const SngKernels *kernels, SngDevice *device, gpointer data)
{
  const Fixture *f = data;
  SngSpread op = {
    .n_rows = f->c->n_rows,
    .n_target_rows = f->c->n_padded,
    .n_columns = f->c->n_classes,
    .targets = side (device, &f->targets),
    .values = side (device, &f->logits),
  };

  kernels->spread (device, &op);
}

static void
test_case (gconstpointer data)
{
  for (guint table = 0; table < TWIN_N_TABLES; table++)
    {
      g_autoptr (Fixture) f = fixture_new (data, table);
      Twin *const outputs[] = { &f->losses, &f->log_sum_exp, NULL };
      Twin *const logits[] = { &f->logits, NULL };
      Twin *const d_logits[] = { &f->d_logits, NULL };

      forward (twin_cpu_kernels (table), twin_cpu (), f);
      repeat_on_cuda (table, forward, f, outputs);
      twin_check (&f->losses, 1e-6, "losses");
      twin_check (&f->log_sum_exp, 1e-6, "log_sum_exp");

      spread (twin_cpu_kernels (table), twin_cpu (), f);
      repeat_on_cuda (table, spread, f, logits);
      twin_check_equal (&f->logits, "spread logits");

      backward (twin_cpu_kernels (table), twin_cpu (), f);
      repeat_on_cuda (table, backward, f, d_logits);
      twin_check (&f->d_logits, twin_tolerance (twin_cpu_kernels (table)), "d_logits");
    }
}

/* What is no finite number comes out where the CPU has it. */
static void
test_not_finite (void)
{
  static const Case c = { "not-finite", 6, 6, 70 };
  g_autoptr (Fixture) f = fixture_new (&c, 0);
  g_autoptr (GBytes) bytes = NULL;
  const double *losses;

  for (gsize i = 0; i < c.n_classes; i++)
    twin_set (&f->logits, i, i < 69 ? -INFINITY : 3);
  twin_set (&f->labels, 0, 69);
  twin_set (&f->labels, 2, 7);
  twin_set (&f->logits, 2 * 70 + 40, INFINITY);
  twin_set (&f->labels, 3, 7);
  twin_set (&f->logits, 3 * 70 + 40, NAN);
  twin_set (&f->labels, 5, 7);
  for (gsize i = 0; i < c.n_classes; i++)
    twin_set (&f->logits, 5 * 70 + i, -INFINITY);
  twin_upload (&f->logits);
  twin_upload (&f->labels);

  forward (twin_cpu_kernels (0), twin_cpu (), f);
  forward (twin_cuda_kernels (0), twin_cuda (), f);
  bytes = twin_dup_device_bytes (&f->losses);
  losses = g_bytes_get_data (bytes, NULL);
  g_assert_cmpfloat (losses[0], ==, 0);
  for (gsize i = 0; i < c.n_rows; i++)
    {
      g_assert_cmpint (isnan (losses[i]), ==, isnan (twin_get (&f->losses, i)));
      g_assert_cmpint (isnan (losses[i]) != 0, ==, i == 2 || i == 3 || i == 5);
    }
}

/* Targets that leave rows at the start, at the end, or all of them; more than is moved at a time. */
static void
test_spread (void)
{
  static const struct
  {
    gsize n_rows, n_target_rows, n_columns, first, step;
  } ways[] = {
    { 0, 3, 7, 0, 1 },     { 1, 4, 7, 2, 1 },     { 60, 60, 5, 0, 1 },
    { 60, 61, 5, 1, 1 },   { 60, 75, 33, 15, 1 }, { 60, 75, 33, 0, 1 },
    { 50, 160, 33, 3, 3 }, { 2, 3, 2051, 1, 1 },  { 5, 9, 2051, 0, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    for (guint table = 0; table < TWIN_N_TABLES; table++)
      {
        Case c = { "spread", ways[i].n_rows, ways[i].n_target_rows, ways[i].n_columns };
        g_autoptr (Fixture) f = fixture_new (&c, table);
        Twin *const logits[] = { &f->logits, NULL };

        for (gsize row = 0; row < ways[i].n_rows; row++)
          twin_set (&f->targets, row, (double) (ways[i].first + row * ways[i].step));
        twin_upload (&f->targets);
        spread (twin_cpu_kernels (table), twin_cpu (), f);
        repeat_on_cuda (table, spread, f, logits);
        twin_check_equal (&f->logits, "spread rows");
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sng/cuda/cross-entropy/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/sng/cuda/cross-entropy/not-finite", test_not_finite);
  g_test_add_func ("/sng/cuda/cross-entropy/spread", test_spread);

  return g_test_run ();
}
