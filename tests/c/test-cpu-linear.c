/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>

#include <string.h>
#include "cpu-math-fixture.h"

/* Linear layers with all that may become of their sums, layer norms, GELU, branches of the residual stream. */

#define N_INPUTS 11
#define N_OUTPUTS 70
#define N_COLUMNS 77
#define N_ROWS 131
#define N_WIDE (SNG_CPU_COLUMNS_PER_TILE + 9)
#define N_NARROW 5
#define N_HIDDEN 19

/* More than a chunk of rows, and a sequence without a token. */
static const gsize lengths[] = { 70, 0, N_ROWS - 70 };

static SngRows *
new_rows (void)
{
  return rows_new (lengths, G_N_ELEMENTS (lengths));
}

/* As many rows as in[0] and out have, by the sizes of the two. */
static SngLinear
linear (const Buffers *b, const SngRows *rows, gsize n_inputs, gsize n_outputs)
{
  return (SngLinear){
    .rows = *rows,
    .n_inputs = n_inputs,
    .n_outputs = n_outputs,
    .input = b->in[0].data,
    .weight = b->in[1].data,
    .bias = b->in[2].n > 0 ? b->in[2].data : NULL,
    .output = b->out.data,
    .d_output = b->d_out.data,
    .d_input = b->gradient[0].data,
    .d_weight = b->gradient[1].data,
    .d_bias = b->in[2].n > 0 ? b->gradient[2].data : NULL,
  };
}

static void
plain_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_autoptr (SngRows) rows = new_rows ();
  SngLinear op = linear (b, rows, N_INPUTS, N_OUTPUTS);

  kernels->linear_forward (device, &op);
}

static void
plain_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_autoptr (SngRows) rows = new_rows ();
  SngLinear op = linear (b, rows, N_INPUTS, N_OUTPUTS);

  kernels->linear_backward (device, &op);
}

static SngLinear
transposed (const Buffers *b, const SngRows *rows)
{
  SngLinear op = linear (b, rows, N_INPUTS, N_OUTPUTS);

  op.transposed = op.real_output = op.real_d_input = TRUE;
  return op;
}

static void
transposed_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_autoptr (SngRows) rows = new_rows ();
  SngLinear op = transposed (b, rows);

  kernels->linear_forward (device, &op);
}

static void
transposed_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  g_autoptr (SngRows) rows = new_rows ();
  SngLinear op = transposed (b, rows);

  kernels->linear_backward (device, &op);
}

/* Few rows, of which each is more than a tile, on either side and with either order of the weight. */
static void
run_wide (const SngKernels *kernels,
          SngDevice *device,
          const Buffers *b,
          gboolean into,
          gboolean is_transposed,
          gboolean backward)
{
  const gsize length = 3;
  g_autoptr (SngRows) rows = rows_new (&length, 1);
  SngLinear op = linear (b, rows, into ? N_NARROW : N_WIDE, into ? N_WIDE : N_NARROW);

  op.transposed = is_transposed;
  if (backward)
    kernels->linear_backward (device, &op);
  else
    kernels->linear_forward (device, &op);
}

static void
widening_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, TRUE, FALSE, FALSE);
}

static void
widening_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, TRUE, FALSE, TRUE);
}

static void
narrowing_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, FALSE, FALSE, FALSE);
}

static void
narrowing_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, FALSE, FALSE, TRUE);
}

static void
transposed_widening_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, TRUE, TRUE, FALSE);
}

static void
transposed_widening_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, TRUE, TRUE, TRUE);
}

static void
transposed_narrowing_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, FALSE, TRUE, FALSE);
}

static void
transposed_narrowing_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_wide (kernels, device, b, FALSE, TRUE, TRUE);
}

/* A feed-forward part: out = gelu (in[0] in[1]^T) in[2]^T. Between the two there are operands: before and after GELU. */
typedef struct
{
  SngRows *rows;
  Values before;
  Values after;
  SngLinear up;
  SngLinear down;
} FeedForward;

static void
feed_forward_init (FeedForward *self, const SngKernels *kernels, const Buffers *b, SngGeluKind kind)
{
  self->rows = new_rows ();
  self->before = values_new (kernels->operand, N_ROWS * N_HIDDEN);
  self->after = values_new (kernels->operand, N_ROWS * N_HIDDEN);
  self->up = (SngLinear){
    .rows = *self->rows,
    .n_inputs = N_INPUTS,
    .n_outputs = N_HIDDEN,
    .input = b->in[0].data,
    .weight = b->in[1].data,
    .output = self->before.data,
    .gelu = self->after.data,
    .gelu_kind = kind,
    .d_output = self->before.data,
    .d_input = b->gradient[0].data,
    .d_weight = b->gradient[1].data,
  };
  self->down = (SngLinear){
    .rows = *self->rows,
    .n_inputs = N_HIDDEN,
    .n_outputs = N_INPUTS,
    .input = self->after.data,
    .weight = b->in[2].data,
    .output = b->out.data,
    .real_output = TRUE,
    .gelu_kind = kind,
    .d_output = b->d_out.data,
    .d_input = self->before.data,
    .before_gelu = self->before.data,
    .d_weight = b->gradient[2].data,
  };
}

static void
feed_forward_clear (FeedForward *self)
{
  rows_free (self->rows);
  values_clear (&self->before);
  values_clear (&self->after);
}

static void
run_feed_forward (const SngKernels *kernels,
                  SngDevice *device,
                  const Buffers *b,
                  SngGeluKind kind,
                  gboolean backward)
{
  FeedForward part;

  feed_forward_init (&part, kernels, b, kind);
  kernels->linear_forward (device, &part.up);
  kernels->linear_forward (device, &part.down);
  if (backward)
    {
      kernels->linear_backward (device, &part.down);
      kernels->linear_backward (device, &part.up);
    }
  feed_forward_clear (&part);
}

static void
feed_forward_erf_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_feed_forward (kernels, device, b, SNG_GELU_ERF, FALSE);
}

static void
feed_forward_erf_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_feed_forward (kernels, device, b, SNG_GELU_ERF, TRUE);
}

static void
feed_forward_tanh_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_feed_forward (kernels, device, b, SNG_GELU_TANH, FALSE);
}

static void
feed_forward_tanh_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_feed_forward (kernels, device, b, SNG_GELU_TANH, TRUE);
}

/* The head of a masked language model: out = gelu (in[0] in[1]^T + in[2]), all in reals. */
static void
run_head (const SngKernels *kernels, SngDevice *device, const Buffers *b, SngGeluKind kind, gboolean backward)
{
  g_autoptr (SngRows) rows = new_rows ();
  g_auto (Values) before = values_new (kernels->real, N_ROWS * N_OUTPUTS);
  g_auto (Values) d_before = values_new (kernels->operand, N_ROWS * N_OUTPUTS);
  SngLinear op = linear (b, rows, N_INPUTS, N_OUTPUTS);
  SngGelu gelu = { .n_elements = N_ROWS * N_OUTPUTS,
                   .kind = kind,
                   .input = before.data,
                   .d_output = b->d_out.data,
                   .d_input = d_before.data };

  op.output = before.data;
  op.real_output = TRUE;
  op.gelu = b->out.data;
  op.gelu_kind = kind;
  op.d_output = d_before.data;
  kernels->linear_forward (device, &op);
  if (backward)
    {
      kernels->gelu_backward (device, &gelu);
      kernels->linear_backward (device, &op);
    }
}

static void
head_erf_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_head (kernels, device, b, SNG_GELU_ERF, FALSE);
}

static void
head_erf_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_head (kernels, device, b, SNG_GELU_ERF, TRUE);
}

static void
head_tanh_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_head (kernels, device, b, SNG_GELU_TANH, FALSE);
}

static void
head_tanh_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_head (kernels, device, b, SNG_GELU_TANH, TRUE);
}

/* Dropout has a place of its own for the factors of a row, also where the sums themselves are kept: nothing is written behind
 * them. */
static void
check_untouched (const Values *values, gsize first)
{
  for (gsize i = first; i < values->n; i++)
    g_assert_cmpfloat (values_get (values, i), ==, 0);
}

/* out = norm (in[2] + dropout (in[0] in[1]^T)): a branch that joins a residual stream, in its place or, without dropout,
 * beside it. The norm's backward is what the branch's begins with. */
typedef struct
{
  SngRows *rows;
  Values stream;
  Values sums;
  Values weight;
  Values bias;
  Values d_branch;
  Values d_weight;
  Values d_bias;
  SngLinear linear;
  SngLayerNorm norm;
} Branch;

static void
branch_init (Branch *self, const SngKernels *kernels, const Buffers *b, double rate)
{
  static const guint64 first_ordinal = 2;

  self->rows = new_rows ();
  self->stream = values_new (kernels->real, N_ROWS * N_OUTPUTS);
  self->sums = values_new (kernels->operand, (N_ROWS + 2) * N_OUTPUTS);
  self->weight = values_random (kernels->real, N_OUTPUTS, 30);
  self->bias = values_random (kernels->real, N_OUTPUTS, 31);
  self->d_branch = values_new (kernels->operand, N_ROWS * N_OUTPUTS);
  self->d_weight = values_new (kernels->real, N_OUTPUTS);
  self->d_bias = values_new (kernels->real, N_OUTPUTS);

  self->linear = linear (b, self->rows, N_INPUTS, N_OUTPUTS);
  self->linear.bias = NULL;
  self->linear.d_bias = NULL;
  self->linear.output = rate > 0 ? self->sums.data : NULL;
  self->linear.stream = self->stream.data;
  self->linear.residual = rate > 0 ? self->stream.data : b->in[2].data;
  self->linear.dropout =
      (SngDropout){ .rate = rate, .key = 1, .first_ordinal = &first_ordinal, .operation = 3 };
  self->linear.d_output = self->d_branch.data;
  self->norm = (SngLayerNorm){
    .rows = *self->rows,
    .n_columns = N_OUTPUTS,
    .epsilon = 1e-5,
    .input = self->stream.data,
    .weight = self->weight.data,
    .bias = self->bias.data,
    .output = b->out.data,
    .mean = b->saved[0].data,
    .rstd = b->saved[1].data,
    .d_output = b->d_out.data,
    .d_input = b->gradient[2].data,
    .add_to_d_input = rate > 0,
    .d_branch = self->d_branch.data,
    .dropout = self->linear.dropout,
    .d_weight = self->d_weight.data,
    .d_bias = self->d_bias.data,
  };
}

static void
branch_clear (Branch *self)
{
  rows_free (self->rows);
  values_clear (&self->stream);
  values_clear (&self->sums);
  values_clear (&self->weight);
  values_clear (&self->bias);
  values_clear (&self->d_branch);
  values_clear (&self->d_weight);
  values_clear (&self->d_bias);
}

static void
run_branch (const SngKernels *kernels, SngDevice *device, const Buffers *b, double rate, gboolean backward)
{
  Branch branch;

  branch_init (&branch, kernels, b, rate);
  if (rate > 0)
    memcpy (branch.stream.data, b->in[2].data, N_ROWS * N_OUTPUTS * sng_dtype_get_size (kernels->real));
  kernels->linear_forward (device, &branch.linear);
  check_untouched (&branch.sums, N_ROWS * N_OUTPUTS);
  kernels->layer_norm_forward (device, &branch.norm);
  if (backward)
    {
      kernels->layer_norm_backward (device, &branch.norm);
      kernels->linear_backward (device, &branch.linear);
    }
  branch_clear (&branch);
}

static void
branch_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_branch (kernels, device, b, 0, FALSE);
}

static void
branch_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_branch (kernels, device, b, 0, TRUE);
}

static void
dropped_branch_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_branch (kernels, device, b, 0.4, FALSE);
}

static void
dropped_branch_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  run_branch (kernels, device, b, 0.4, TRUE);
}

static SngLayerNorm
layer_norm (const Buffers *b)
{
  return (SngLayerNorm){
    .rows.n_rows = N_ROWS,
    .n_columns = N_COLUMNS,
    .epsilon = 1e-5,
    .input = b->in[0].data,
    .weight = b->in[1].data,
    .bias = b->in[2].data,
    .output = b->out.data,
    .mean = b->saved[0].data,
    .rstd = b->saved[1].data,
    .d_output = b->d_out.data,
    .d_input = b->gradient[0].data,
    .add_to_d_input = TRUE,
    .d_weight = b->gradient[1].data,
    .d_bias = b->gradient[2].data,
  };
}

static void
layer_norm_forward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLayerNorm op = layer_norm (b);

  kernels->layer_norm_forward (device, &op);
}

static void
layer_norm_backward (const SngKernels *kernels, SngDevice *device, const Buffers *b)
{
  SngLayerNorm op = layer_norm (b);

  kernels->layer_norm_backward (device, &op);
}

#define WIDE(path, n_inputs, n_outputs, function)                                                            \
 {                                                                                                           \
  .name = path, .forward = function##_forward, .backward = function##_backward,                              \
  .n_in = { 3 * (n_inputs), (n_inputs) * (n_outputs), n_outputs }, .in = { OPERANDS, OPERANDS, REALS },      \
  .gradient = { OPERANDS, REALS, REALS }, .n_out = 3 * (n_outputs), .out = OPERANDS, .d_out = OPERANDS       \
 }

static const Case cases[] = {
  { .name = "linear",
    .forward = plain_forward,
    .backward = plain_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_OUTPUTS },
    .in = { OPERANDS, OPERANDS, REALS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = OPERANDS,
    .d_out = OPERANDS },
  { .name = "linear-transposed",
    .forward = transposed_forward,
    .backward = transposed_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS },
    .in = { OPERANDS, OPERANDS },
    .gradient = { REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = REALS,
    .d_out = OPERANDS },
  WIDE ("linear-widening", N_NARROW, N_WIDE, widening),
  WIDE ("linear-narrowing", N_WIDE, N_NARROW, narrowing),
  WIDE ("linear-transposed-widening", N_NARROW, N_WIDE, transposed_widening),
  WIDE ("linear-transposed-narrowing", N_WIDE, N_NARROW, transposed_narrowing),
  { .name = "feed-forward-erf",
    .forward = feed_forward_erf_forward,
    .backward = feed_forward_erf_backward,
    .n_in = { N_ROWS * N_INPUTS, N_HIDDEN *N_INPUTS, N_INPUTS *N_HIDDEN },
    .in = { OPERANDS, OPERANDS, OPERANDS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_INPUTS,
    .out = REALS,
    .d_out = OPERANDS,
    .composed = TRUE },
  { .name = "feed-forward-tanh",
    .forward = feed_forward_tanh_forward,
    .backward = feed_forward_tanh_backward,
    .n_in = { N_ROWS * N_INPUTS, N_HIDDEN *N_INPUTS, N_INPUTS *N_HIDDEN },
    .in = { OPERANDS, OPERANDS, OPERANDS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_INPUTS,
    .out = REALS,
    .d_out = OPERANDS,
    .composed = TRUE },
  { .name = "head-erf",
    .forward = head_erf_forward,
    .backward = head_erf_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_OUTPUTS },
    .in = { OPERANDS, OPERANDS, REALS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = REALS,
    .d_out = REALS,
    .composed = TRUE },
  { .name = "head-tanh",
    .forward = head_tanh_forward,
    .backward = head_tanh_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_OUTPUTS },
    .in = { OPERANDS, OPERANDS, REALS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = REALS,
    .d_out = REALS,
    .composed = TRUE },
  { .name = "branch",
    .forward = branch_forward,
    .backward = branch_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_ROWS *N_OUTPUTS },
    .in = { OPERANDS, OPERANDS, REALS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = OPERANDS,
    .d_out = REALS,
    .n_saved = N_ROWS,
    .composed = TRUE },
  { .name = "dropped-branch",
    .forward = dropped_branch_forward,
    .backward = dropped_branch_backward,
    .n_in = { N_ROWS * N_INPUTS, N_OUTPUTS *N_INPUTS, N_ROWS *N_OUTPUTS },
    .in = { OPERANDS, OPERANDS, REALS },
    .gradient = { OPERANDS, REALS, REALS },
    .n_out = N_ROWS * N_OUTPUTS,
    .out = OPERANDS,
    .d_out = REALS,
    .n_saved = N_ROWS,
    .composed = TRUE },
  { .name = "layer-norm",
    .forward = layer_norm_forward,
    .backward = layer_norm_backward,
    .n_in = { N_ROWS * N_COLUMNS, N_COLUMNS, N_COLUMNS },
    .in = { REALS, REALS, REALS },
    .gradient = { REALS, REALS, REALS },
    .n_out = N_ROWS * N_COLUMNS,
    .out = OPERANDS,
    .d_out = REALS,
    .n_saved = N_ROWS },
};

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  cpu_math_add_cases ("cpu-linear", cases, G_N_ELEMENTS (cases));
  return g_test_run ();
}
