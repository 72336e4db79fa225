/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <math.h>
#include <string.h>
#include "cpu-math-fixture.h"
#include "tensor/sng-philox-private.h"

/* Attention over packed rows: more than a block of queries, a sequence of one token, one that fills no vector. */

static const gsize lengths[] = { 70, 1, 37, 64 };

#define N_SEQUENCES G_N_ELEMENTS (lengths)
#define N_ROWS 172
#define N_HEADS 2

static SngRows *rows;
static gint64 mask[N_ROWS];

/* Dropout, mask and order are on together or off together. */
static SngAttention
attention (const Buffers *b, gboolean causal)
{
  static const guint64 first_ordinal = 4;

  return (SngAttention){
    .rows = *rows,
    .n_heads = N_HEADS,
    .head_size = b->out.n / (N_ROWS * N_HEADS),
    .scale = 0.7,
    .causal = causal,
    .mask = causal ? mask : NULL,
    .dropout = { .rate = causal ? 0.3 : 0, .key = 5, .first_ordinal = &first_ordinal, .operation = 9 },
    .qkv = b->in[0].data,
    .output = b->out.data,
    .log_sum_exp = b->saved[0].data,
    .d_output = b->d_out.data,
    .d_qkv = b->gradient[0].data,
  };
}

static void
attention_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, FALSE);

  kernels->attention_forward (device, &op);
}

static void
attention_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, FALSE);

  kernels->attention_backward (device, &op);
}

static void
causal_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, TRUE);

  kernels->attention_forward (device, &op);
}

static void
causal_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngAttention op = attention (b, TRUE);

  kernels->attention_backward (device, &op);
}

#define ATTENTION(case_name, head_size, forward_func, backward_func)                                         \
 {                                                                                                           \
  .name = case_name, .forward = forward_func, .backward = backward_func,                                     \
  .n_in = { N_ROWS * 3 * N_HEADS * head_size }, .in = { OPERANDS }, .gradient = { OPERANDS },                \
  .n_out = N_ROWS * N_HEADS * head_size, .out = OPERANDS, .d_out = OPERANDS, .n_saved = N_HEADS * N_ROWS,    \
 }

static const Case cases[] = {
  ATTENTION ("attention", 6, attention_forward, attention_backward),
  ATTENTION ("attention-16", 16, attention_forward, attention_backward),
  ATTENTION ("attention-causal", 6, causal_forward, causal_backward),
  ATTENTION ("attention-causal-32", 32, causal_forward, causal_backward),
};

#define HEAD_SIZE 16
#define WIDTH (N_HEADS * HEAD_SIZE)

typedef struct
{
  Values qkv;
  Values output;
  Values log_sum_exp;
  Values d_output;
  Values d_qkv;
} Pass;

static void
pass_clear (Pass *pass)
{
  values_clear (&pass->qkv);
  values_clear (&pass->output);
  values_clear (&pass->log_sum_exp);
  values_clear (&pass->d_output);
  values_clear (&pass->d_qkv);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pass, pass_clear)

/* n rows from first_row on of the values from a seed */
static Values
random_part (SngDtype dtype, gsize width, guint32 seed, gsize first_row, gsize n)
{
  g_auto (Values) all = values_random (dtype, N_ROWS * width, seed);
  Values part = values_new (dtype, n * width);
  gsize size = width * sng_dtype_get_size (dtype);

  memcpy (part.data, (const char *) all.data + first_row * size, n * size);
  return part;
}

/* Forward and backward of some of the sequences, all of them random. */
static Pass
run_part (const SngKernels *kernels, const SngRows *part, gsize sequence, gsize first_row, const gint64 *seen)
{
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);
  const guint64 first_ordinal = 11 + sequence;
  gsize n = part->n_rows;
  Pass pass = {
    .qkv = random_part (kernels->operand, 3 * WIDTH, 1, first_row, n),
    .output = values_new (kernels->operand, n * WIDTH),
    .log_sum_exp = values_new (kernels->real, n * N_HEADS),
    .d_output = random_part (kernels->operand, WIDTH, 2, first_row, n),
    .d_qkv = values_new (kernels->operand, n * 3 * WIDTH),
  };
  SngAttention op = {
    .rows = *part,
    .n_heads = N_HEADS,
    .head_size = HEAD_SIZE,
    .scale = 0.25,
    .causal = TRUE,
    .mask = seen,
    .dropout = { .rate = 0.25, .key = 3, .first_ordinal = &first_ordinal, .operation = 2 },
    .qkv = pass.qkv.data,
    .output = pass.output.data,
    .log_sum_exp = pass.log_sum_exp.data,
    .d_output = pass.d_output.data,
    .d_qkv = pass.d_qkv.data,
  };

  kernels->attention_forward (device, &op);
  kernels->attention_backward (device, &op);
  return pass;
}

static gboolean
rows_equal (const Values *all, gsize first_row, gsize n_all, const Values *part, gsize n, gsize width)
{
  gsize size = width * sng_dtype_get_size (all->dtype);
  gsize n_planes = part->n / (n * width);

  for (gsize plane = 0; plane < n_planes; plane++)
    if (memcmp ((const char *) all->data + (plane * n_all + first_row) * size,
                (const char *) part->data + plane * n * size, n * size)
        != 0)
      return FALSE;
  return TRUE;
}

/* Whether a sequence of the packed pass has the bits that it has alone. */
static gboolean
same_as_alone (const SngKernels *kernels, const Pass *packed, gsize sequence)
{
  gsize first_row = (gsize) rows->first_rows[sequence];
  gsize n = lengths[sequence];
  g_autoptr (SngRows) alone_rows = rows_new (&lengths[sequence], 1);
  g_auto (Pass) alone = run_part (kernels, alone_rows, sequence, first_row, mask + first_row);

  return rows_equal (&packed->output, first_row, N_ROWS, &alone.output, n, WIDTH)
         && rows_equal (&packed->d_qkv, first_row, N_ROWS, &alone.d_qkv, n, 3 * WIDTH)
         && rows_equal (&packed->log_sum_exp, first_row, N_ROWS, &alone.log_sum_exp, n, 1);
}

/* Neighbours do not matter, bit by bit; and it shows where a sequence begins a row too late, or the mask is lost. */
static void
test_packed (void)
{
  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      gint64 late[N_SEQUENCES + 1];
      SngRows late_rows = *rows;
      g_auto (Pass) packed = run_part (kernels, rows, 0, 0, mask);
      g_auto (Pass) unmasked = run_part (kernels, rows, 0, 0, NULL);
      g_auto (Pass) shifted = { 0 };

      memcpy (late, rows->first_rows, sizeof late);
      late[2]++;
      late_rows.first_rows = late;
      shifted = run_part (kernels, &late_rows, 0, 0, mask);
      for (gsize i = 0; i < N_SEQUENCES; i++)
        {
          g_assert_true (same_as_alone (kernels, &packed, i));
          g_assert_true (same_as_alone (kernels, &unmasked, i) == (lengths[i] == 1));
          g_assert_true (same_as_alone (kernels, &shifted, i) == (i == 0 || i == 3));
        }
    }
}

/* Whether the gradients of all hidden keys are zeros, and of each query that sees any not. */
static gboolean
hidden_keys_get_nothing (const SngKernels *kernels, const gint64 *seen)
{
  g_auto (Pass) pass = run_part (kernels, rows, 0, 0, seen);

  for (gsize row = 0; row < N_ROWS; row++)
    for (gsize i = WIDTH; i < 3 * WIDTH; i++)
      if (mask[row] == 0 && values_get (&pass.d_qkv, row * 3 * WIDTH + i) != 0)
        return FALSE;
  return TRUE;
}

static void
test_mask (void)
{
  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      g_assert_true (hidden_keys_get_nothing (cpu_math_kernels (k), mask));
      g_assert_false (hidden_keys_get_nothing (cpu_math_kernels (k), NULL));
    }
}

/* The queries of a sequence whose keys are all masked yield zeros, and get no gradient, whatever was in the memory
 * before; so does a sequence without tokens beside it. */
static void
test_no_keys (void)
{
  enum
  {
    TOKENS = 5,
    HEADS = 3,
    SIZE = 7,
    N = TOKENS * HEADS * SIZE
  };
  static const gsize no_tokens[] = { 0, TOKENS, 0 };
  static const gint64 nobody[TOKENS] = { 0 };
  g_autoptr (SngRows) few = rows_new (no_tokens, 3);
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);

  for (guint i = 0; cpu_math_kernels (i / 2) != NULL; i++)
    {
      const SngKernels *kernels = cpu_math_kernels (i / 2);
      g_auto (Values) qkv = values_random (kernels->operand, 3 * N, 1);
      g_auto (Values) output = values_new (kernels->operand, N);
      g_auto (Values) log_sum_exp = values_new (kernels->real, HEADS * TOKENS);
      g_auto (Values) d_output = values_random (kernels->operand, N, 2);
      g_auto (Values) d_qkv = values_new (kernels->operand, 3 * N);
      SngAttention op = { .rows = *few,
                          .n_heads = HEADS,
                          .head_size = SIZE,
                          .scale = 1,
                          .causal = i & 1,
                          .mask = nobody,
                          .qkv = qkv.data,
                          .output = output.data,
                          .log_sum_exp = log_sum_exp.data,
                          .d_output = d_output.data,
                          .d_qkv = d_qkv.data };

      for (gsize k = 0; k < N; k++)
        values_set (&output, k, NAN);
      for (gsize k = 0; k < 3 * N; k++)
        values_set (&d_qkv, k, NAN);
      kernels->attention_forward (device, &op);
      kernels->attention_backward (device, &op);
      for (gsize k = 0; k < N; k++)
        g_assert_true (values_get (&output, k) == 0 && !signbit (values_get (&output, k)));
      for (gsize k = 0; k < 3 * N; k++)
        g_assert_cmpfloat (values_get (&d_qkv, k), ==, 0);
    }
}

/* Large scores neither overflow nor vanish: the softmax of equal ones is even, and of a far larger one picks it. */
static void
test_large_scores (void)
{
  enum
  {
    TOKENS = 9,
    SIZE = 4
  };
  static const gsize length = TOKENS;
  g_autoptr (SngRows) one = rows_new (&length, 1);
  g_autoptr (SngDevice) device = sng_device_new_cpu (1);

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      g_auto (Values) qkv = values_new (kernels->operand, TOKENS * 3 * SIZE);
      g_auto (Values) output = values_new (kernels->operand, TOKENS * SIZE);
      g_auto (Values) log_sum_exp = values_new (kernels->real, TOKENS);
      SngAttention op = { .rows = *one,
                          .n_heads = 1,
                          .head_size = SIZE,
                          .scale = 1,
                          .qkv = qkv.data,
                          .output = output.data,
                          .log_sum_exp = log_sum_exp.data };

      for (gsize token = 0; token < TOKENS; token++)
        for (gsize i = 0; i < SIZE; i++)
          {
            values_set (&qkv, (token * 3 + 0) * SIZE + i, 128);
            values_set (&qkv, (token * 3 + 1) * SIZE + i, token == 3 ? 128 : 64);
            values_set (&qkv, (token * 3 + 2) * SIZE + i, (double) token);
          }
      kernels->attention_forward (device, &op);
      for (gsize i = 0; i < TOKENS * SIZE; i++)
        g_assert_cmpfloat (values_get (&output, i), ==, 3);
      g_assert_cmpfloat_with_epsilon (values_get (&log_sum_exp, 0), 4 * 128 * 128 / G_LN2, 0.01);
    }
}

/* Dropout element by element, as SngDropout defines it: equal scores give equal probabilities, and where the value of each
 * token is a column of its own, the output shows them. */
static void
test_dropout (void)
{
  enum
  {
    TOKENS = 40,
    HEADS = 3
  };
  static const gsize two[] = { TOKENS, TOKENS };
  static const guint64 first_ordinal = 9;
  g_autoptr (SngRows) both = rows_new (two, 2);
  g_autoptr (SngDevice) device = sng_device_new_cpu (2);

  for (guint k = 0; cpu_math_kernels (k) != NULL; k++)
    {
      const SngKernels *kernels = cpu_math_kernels (k);
      g_auto (Values) qkv = values_new (kernels->operand, 2 * TOKENS * 3 * HEADS * TOKENS);
      g_auto (Values) output = values_new (kernels->operand, 2 * TOKENS * HEADS * TOKENS);
      g_auto (Values) log_sum_exp = values_new (kernels->real, 2 * HEADS * TOKENS);
      SngAttention op = {
        .rows = *both,
        .n_heads = HEADS,
        .head_size = TOKENS,
        .scale = 1,
        .dropout = { .rate = 0.5, .key = 6, .first_ordinal = &first_ordinal, .operation = 20 },
        .qkv = qkv.data,
        .output = output.data,
        .log_sum_exp = log_sum_exp.data
      };

      for (gsize i = 0; i < 2 * TOKENS * HEADS; i++)
        values_set (&qkv, (i / HEADS * 3 + 2) * HEADS * TOKENS + i % HEADS * TOKENS + i / HEADS % TOKENS,
                    TOKENS);
      kernels->attention_forward (device, &op);
      for (gsize i = 0; i < output.n; i++)
        {
          guint32 key = i % TOKENS, head = i / TOKENS % HEADS, row = i / TOKENS / HEADS;
          const guint32 counter[] = { key / 32 * 8 + key % 8, row % TOKENS, 9 + row / TOKENS,
                                      0x80000000u | (20 + head) };
          guint32 words[4];

          sng_philox4x32 (op.dropout.key, counter, words);
          g_assert_cmpfloat_with_epsilon (values_get (&output, i),
                                          sng_philox_uniform (words[key / 8 % 4]) < 0.5f ? 0 : 2, 1e-5);
        }
    }
}

int
main (int argc, char *argv[])
{
  int result;

  g_test_init (&argc, &argv, NULL);
  rows = rows_new (lengths, N_SEQUENCES);
  g_assert_cmpuint (rows->n_rows, ==, N_ROWS);
  for (gint64 i = 0; i < N_ROWS; i++)
    mask[i] = i == 70 || (i % 5 != 2 && i != 71);

  cpu_math_add_cases ("cpu-attention", cases, G_N_ELEMENTS (cases));
  g_test_add_func ("/sng/cpu-attention/packed", test_packed);
  g_test_add_func ("/sng/cpu-attention/dropout", test_dropout);
  g_test_add_func ("/sng/cpu-attention/mask", test_mask);
  g_test_add_func ("/sng/cpu-attention/no-keys", test_no_keys);
  g_test_add_func ("/sng/cpu-attention/large-scores", test_large_scores);
  result = g_test_run ();
  rows_free (rows);
  return result;
}
