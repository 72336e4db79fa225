/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu-math-fixture.h"
#include "tensor/sng-philox-private.h"

/* What knows a row's sequence and its place in it: embeddings, rotary positions, dropout; and the loss of a row. */

static const gsize lengths[] = { 70, 1, 61, 8 };

#define N_ROWS 140
#define MAX_TOKENS 70
#define N_COLUMNS 77
#define N_STREAM (N_ROWS * N_COLUMNS)
#define N_WORDS 9
#define N_CLASSES 33

static SngRows *rows;
static gint64 ids[N_ROWS];
static gint64 labels[N_ROWS];

/* Constants as the reals of the kernels. */
static Values
constants (const SngKernels *kernels, gsize n, double (*at) (double))
{
  Values values = values_new (kernels->real, n);

  for (gsize i = 0; i < n; i++)
    values_set (&values, i, at ((double) i));
  return values;
}

static double
row_scale_at (double row)
{
  return 0.5 * fmod (row, 3);
}

static SngEmbedding
embedding (const Buffers *b, const Values *row_scale)
{
  static const guint64 first_ordinal = 3;

  return (SngEmbedding){
    .rows = *rows,
    .n_columns = N_COLUMNS,
    .ids = ids,
    .weight = b->in[0].data,
    .row_scale = row_scale->data,
    .positions = b->in[1].data,
    .dropout = { .rate = 0.4, .key = 8, .first_ordinal = &first_ordinal, .operation = 5 },
    .output = b->out.data,
    .d_output = b->d_out.data,
    .d_weight = b->gradient[0].data,
    .d_positions = b->gradient[1].data,
    .frozen_id = -1,
  };
}

static void
embedding_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_auto (Values) row_scale = constants (kernels, N_ROWS, row_scale_at);
  SngEmbedding op = embedding (b, &row_scale);

  kernels->embedding_forward (device, &op);
}

static void
embedding_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_auto (Values) row_scale = constants (kernels, N_ROWS, row_scale_at);
  SngEmbedding op = embedding (b, &row_scale);

  kernels->embedding_backward (device, &op);
}

#define N_HEADS 2
#define N_QKV(head_size) (N_ROWS * 3 * N_HEADS * (head_size))

static void
rotate (const SngKernels *kernels, SngDevice *device, const Values *from, const Values *to, gboolean inverse)
{
  gsize head_size = to->n / N_QKV (1);
  g_auto (Values) cosine = constants (kernels, MAX_TOKENS * head_size / 2, cos);
  g_auto (Values) sine = constants (kernels, MAX_TOKENS * head_size / 2, sin);
  SngRotary op = {
    .rows = *rows,
    .n_heads = N_HEADS,
    .head_size = head_size,
    .query_scale = 0.4,
    .cosine = cosine.data,
    .sine = sine.data,
    .qkv = to->data,
    .inverse = inverse,
  };

  memcpy (to->data, from->data, to->n * sng_dtype_get_size (to->dtype));
  kernels->rotary (device, &op);
}

static void
rotary_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  rotate (kernels, device, &b->in[0], &b->out, FALSE);
}

static void
rotary_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  rotate (kernels, device, &b->d_out, &b->gradient[0], TRUE);
}

/* The losses are f64 in each table; the output is their sum, and so there is one. */
static SngCrossEntropy
cross_entropy (const Buffers *b, double *losses)
{
  static double d_loss;

  d_loss = values_get (&b->d_out, 0);
  return (SngCrossEntropy){
    .n_rows = N_ROWS,
    .n_classes = N_CLASSES,
    .labels = labels,
    .logits = b->in[0].data,
    .losses = losses,
    .log_sum_exp = b->saved[0].data,
    .d_loss = &d_loss,
    .d_logits = b->gradient[0].data,
  };
}

static void
cross_entropy_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  double losses[N_ROWS];
  SngCrossEntropy op = cross_entropy (b, losses);
  double total = 0;

  kernels->cross_entropy_forward (device, &op);
  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    total += losses[i];
  values_set (&b->out, 0, total);
}

static void
cross_entropy_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngCrossEntropy op = cross_entropy (b, NULL);

  kernels->cross_entropy_backward (device, &op);
}

static const Case cases[] = {
  {
      .name = "embedding",
      .forward = embedding_forward,
      .backward = embedding_backward,
      .n_in = { N_WORDS * N_COLUMNS, MAX_TOKENS *N_COLUMNS },
      .n_out = N_STREAM,
  },
  {
      .name = "rotary",
      .forward = rotary_forward,
      .backward = rotary_backward,
      .n_in = { N_QKV (6) },
      .in = { OPERANDS },
      .gradient = { OPERANDS },
      .n_out = N_QKV (6),
      .out = OPERANDS,
      .d_out = OPERANDS,
  },
  {
      .name = "rotary-32",
      .forward = rotary_forward,
      .backward = rotary_backward,
      .n_in = { N_QKV (32) },
      .in = { OPERANDS },
      .gradient = { OPERANDS },
      .n_out = N_QKV (32),
      .out = OPERANDS,
      .d_out = OPERANDS,
  },
  {
      .name = "cross-entropy",
      .forward = cross_entropy_forward,
      .backward = cross_entropy_backward,
      .n_in = { N_ROWS * N_CLASSES },
      .gradient = { OPERANDS },
      .n_out = 1,
      .n_saved = N_ROWS,
  },
};

/* What the layers give in f64, by their definitions; places are tokens, not rows. */
static void
test_places (void)
{
  const SngKernels *kernels = sng_cpu_math_get ()->f64;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_auto (Values) row_scale = constants (kernels, N_ROWS, row_scale_at);
  g_auto (Values) qkv = values_random (SNG_DTYPE_F64, N_QKV (6), 1);
  g_auto (Values) rotated = values_new (SNG_DTYPE_F64, N_QKV (6));
  g_auto (Values) stream = values_new (SNG_DTYPE_F64, N_STREAM);
  Buffers b = { .in = { values_random (SNG_DTYPE_F64, N_WORDS * N_COLUMNS, 2),
                        values_random (SNG_DTYPE_F64, MAX_TOKENS * N_COLUMNS, 3) },
                .out = stream };
  SngEmbedding op = embedding (&b, &row_scale);

  op.dropout.rate = 0;
  kernels->embedding_forward (device, &op);
  for (gsize i = 0; i < N_STREAM; i++)
    {
      gsize row = i / N_COLUMNS, column = i % N_COLUMNS;

      g_assert_cmpfloat (values_get (&stream, i), ==,
                         values_get (&b.in[0], (gsize) ids[row] * N_COLUMNS + column)
                                 * row_scale_at ((double) row)
                             + values_get (&b.in[1], (gsize) rows->tokens[row] * N_COLUMNS + column));
    }

  rotate (kernels, device, &qkv, &rotated, FALSE);
  for (gsize i = 0; i < N_QKV (6); i++)
    {
      gsize row = i / (3 * N_HEADS * 6), part = i / (6 * N_HEADS) % 3, pair = i % 3;
      double angle = (double) (rows->tokens[row] * 3) + (double) pair;
      double turned = i % 6 < 3 ? values_get (&qkv, i) * cos (angle) - values_get (&qkv, i + 3) * sin (angle)
                                : values_get (&qkv, i) * cos (angle) + values_get (&qkv, i - 3) * sin (angle);

      g_assert_cmpfloat_with_epsilon (values_get (&rotated, i),
                                      part == 0   ? 0.4 * turned
                                      : part == 1 ? turned
                                                  : values_get (&qkv, i),
                                      1e-12);
    }
  values_clear (&b.in[0]);
  values_clear (&b.in[1]);
}

/* The gradient of the frozen id stays out, and d_output comes back dropped. */
static void
test_frozen_id (void)
{
  static const guint64 first_ordinal = 0;

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      g_autoptr (SngDevice) device = sng_device_new_cpu (2);
      g_auto (Values) d_output = values_random (kernels->real, N_STREAM, 3);
      g_auto (Values) before = values_random (kernels->real, N_STREAM, 3);
      g_auto (Values) d_weight = values_new (kernels->real, N_WORDS * N_COLUMNS);
      SngEmbedding op = { .rows = *rows,
                          .n_columns = N_COLUMNS,
                          .ids = ids,
                          .dropout = { .rate = 0.5, .key = 8, .first_ordinal = &first_ordinal },
                          .d_output = d_output.data,
                          .d_weight = d_weight.data,
                          .frozen_id = 4 };
      guint n_dropped = 0, n_zero[N_WORDS] = { 0 };

      kernels->embedding_backward (device, &op);
      for (gsize i = 0; i < N_WORDS * N_COLUMNS; i++)
        n_zero[i / N_COLUMNS] += values_get (&d_weight, i) == 0;
      for (gsize i = 0; i < N_WORDS; i++)
        g_assert_true ((n_zero[i] == N_COLUMNS) == (i == 4));
      for (gsize i = 0; i < N_STREAM; i++)
        {
          double value = values_get (&d_output, i);

          g_assert_true (value == 0 || value == 2 * values_get (&before, i));
          n_dropped += value == 0;
        }
      g_assert_cmpfloat_with_epsilon ((double) n_dropped / N_STREAM, 0.5, 0.02);
    }
}

/* The mask of dropout element by element, as SngDropout defines it. */
static void
test_dropout (void)
{
  static const gint64 word[N_ROWS] = { 0 };
  static const guint64 first_ordinal = (1ull << 33) + 7;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  g_auto (Values) output = values_new (SNG_DTYPE_F32, N_STREAM);
  g_auto (Values) weight = values_new (SNG_DTYPE_F32, N_COLUMNS);
  SngEmbedding op = { .rows = *rows,
                      .n_columns = N_COLUMNS,
                      .ids = word,
                      .weight = weight.data,
                      .dropout = { .rate = 0.4, .key = 1, .first_ordinal = &first_ordinal, .operation = 3 },
                      .output = output.data };
  guint n_zero = 0, n_wrong = 0;

  for (gsize i = 0; i < N_COLUMNS; i++)
    values_set (&weight, i, 1);
  sng_cpu_math_get ()->f32->embedding_forward (device, &op);
  for (gsize i = 0; i < N_STREAM; i++)
    {
      guint32 column = i % N_COLUMNS, token = (guint32) rows->tokens[i / N_COLUMNS];
      guint32 sequence = (guint32) rows->sequences[i / N_COLUMNS];
      const guint32 counter[] = { column / 32 * 8 + column % 8, token, 7 + sequence,
                                  0x80000000u | 2 << 20 | 3 };
      guint32 words[4];
      double value = values_get (&output, i);
      float expected;

      sng_philox4x32 (op.dropout.key, counter, words);
      expected = sng_philox_uniform (words[column / 8 % 4]) < 0.4f ? 0 : (float) (1 / (1 - op.dropout.rate));
      n_zero += expected == 0;
      n_wrong += sng_philox_uniform (words[column % 4]) < 0.4f ? value != 0 : value == 0;
      g_assert_cmpfloat (value, ==, expected);
    }
  g_assert_cmpfloat_with_epsilon ((double) n_zero / N_STREAM, 0.4, 0.02);
  g_assert_cmpuint (n_wrong, >, N_STREAM / 4);
}

/* Whether each row is at its target, and zeros are everywhere else. */
static gboolean
is_spread (const Values *values, const Values *before, const gint64 *targets, gsize n_rows, gsize n_columns)
{
  gsize row = 0;

  for (gsize target = 0; target < values->n / n_columns; target++)
    {
      gboolean is_target = row < n_rows && (gsize) targets[row] == target;

      for (gsize i = 0; i < n_columns; i++)
        if (values_get (values, target * n_columns + i)
            != (is_target ? values_get (before, row * n_columns + i) : 0))
          return FALSE;
      row += is_target;
    }
  return row == n_rows;
}

static void
test_spread (void)
{
  enum
  {
    N = 5,
    N_TARGETS = 13
  };
  static const gint64 targets[][N] = { { 0, 1, 2, 3, 4 }, { 8, 9, 10, 11, 12 }, { 0, 2, 3, 9, 11 } };
  static const gsize n_columns[] = { 1, 33, 64, 65, 200 };
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    for (guint i = 0; i < G_N_ELEMENTS (targets) * G_N_ELEMENTS (n_columns); i++)
      {
        const gint64 *to = targets[i / G_N_ELEMENTS (n_columns)];
        gsize n = n_columns[i % G_N_ELEMENTS (n_columns)];
        const SngKernels *kernels = cpu_math_kernels (k);
        g_auto (Values) values = values_random (kernels->real, N_TARGETS * n, 7);
        g_auto (Values) before = values_random (kernels->real, N_TARGETS * n, 7);
        SngSpread op = {
          .n_rows = N, .n_target_rows = N_TARGETS, .n_columns = n, .targets = to, .values = values.data
        };

        kernels->spread (device, &op);
        g_assert_true (is_spread (&values, &before, to, N, n));
        values_set (&values, N_TARGETS * n - 1, 5);
        g_assert_false (is_spread (&values, &before, to, N, n));
      }
}

/* Backward finds the logits where they have been spread to. */
static void
test_logit_rows (void)
{
  enum
  {
    N_TARGETS = N_ROWS + 30
  };
  static const double one = 1;
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      gint64 targets[N_ROWS];
      double losses[N_ROWS];
      g_auto (Values) logits = values_random (kernels->real, N_TARGETS * N_CLASSES, 7);
      g_auto (Values) log_sum_exp = values_new (kernels->real, N_ROWS);
      g_auto (Values) in_place = values_new (kernels->operand, N_ROWS * N_CLASSES);
      g_auto (Values) moved = values_new (kernels->operand, N_ROWS * N_CLASSES);
      SngCrossEntropy op = { .n_rows = N_ROWS,
                             .n_classes = N_CLASSES,
                             .labels = labels,
                             .logits = logits.data,
                             .losses = losses,
                             .log_sum_exp = log_sum_exp.data,
                             .d_loss = &one,
                             .d_logits = in_place.data };
      SngSpread spread = { .n_rows = N_ROWS,
                           .n_target_rows = N_TARGETS,
                           .n_columns = N_CLASSES,
                           .targets = targets,
                           .values = logits.data };

      for (gint64 i = 0; i < N_ROWS; i++)
        targets[i] = i < 70 ? i : i + 30;
      kernels->cross_entropy_forward (device, &op);
      kernels->cross_entropy_backward (device, &op);
      kernels->spread (device, &spread);
      op.d_logits = moved.data;
      kernels->cross_entropy_backward (device, &op);
      g_assert_cmpfloat (values_difference (&moved, &in_place), >, 0.1);
      op.logit_rows = targets;
      kernels->cross_entropy_backward (device, &op);
      g_assert_cmpmem (moved.data, moved.n * sng_dtype_get_size (moved.dtype), in_place.data,
                       in_place.n * sng_dtype_get_size (in_place.dtype));
    }
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  rows = rows_new (lengths, G_N_ELEMENTS (lengths));
  g_assert_cmpuint (rows->n_rows, ==, N_ROWS);
  for (gint64 i = 0; i < N_ROWS; i++)
    {
      ids[i] = i * 7 % N_WORDS;
      labels[i] = i % 4 == 0 ? -100 : i * 5 % N_CLASSES;
    }

  cpu_math_add_cases ("cpu-rows", cases, G_N_ELEMENTS (cases));
  g_test_add_func ("/sng/cpu-rows/places", test_places);
  g_test_add_func ("/sng/cpu-rows/frozen-id", test_frozen_id);
  g_test_add_func ("/sng/cpu-rows/dropout", test_dropout);
  g_test_add_func ("/sng/cpu-rows/spread", test_spread);
  g_test_add_func ("/sng/cpu-rows/logit-rows", test_logit_rows);
  result = g_test_run ();
  rows_free (rows);
  return result;
}
