/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include <math.h>

#include "sng-error.h"

/* The memory of a model: one arena, planned for the largest batch. Forward's activations have places of their own, since
 * backward needs nearly all of them. Gradients of activations share four places; at each time one holds:
 *
 *   d_hidden   the gradient of the residual stream; before that, in the head of ESM-2, d_gelu
 *   d_norm     the gradient of a norm's output
 *   d_branch   that of a branch: a norm writes it while it reads d_norm and adds to d_hidden, and the last layer of the branch
 *              reads it while it writes to the rest
 *   the rest   d_logits, then d_dense, then in each block d_up, then d_qkv beside d_context
 *
 * Without dropout, and where operands are reals, d_branch is d_hidden itself. */

#define ALIGNMENT 64 /* bytes */

typedef struct
{
  const SngTransformerSettings *settings;
  gsize n_rows;
  gsize real; /* bytes of an element */
  gsize operand;
  gsize total;        /* bytes */
  gboolean too_large; /* for a number of bytes; then offsets mean nothing */
} Plan;

static gsize
take (Plan *plan, gsize n_rows, gsize n_columns, gsize size)
{
  gsize offset = plan->total;
  gsize n_bytes;

  if (!g_size_checked_mul (&n_bytes, n_rows, n_columns) || !g_size_checked_mul (&n_bytes, n_bytes, size)
      || !g_size_checked_add (&n_bytes, n_bytes, ALIGNMENT - 1)
      || !g_size_checked_add (&plan->total, offset, n_bytes / ALIGNMENT * ALIGNMENT))
    plan->too_large = TRUE;
  return offset;
}

static gsize
take_reals (Plan *plan, gsize n_columns)
{
  return take (plan, plan->n_rows, n_columns, plan->real);
}

static gsize
take_operands (Plan *plan, gsize n_columns)
{
  return take (plan, plan->n_rows, n_columns, plan->operand);
}

static void
plan_block (Plan *plan, SngBlockActivations *block)
{
  const SngTransformerSettings *s = plan->settings;

  block->input = take_reals (plan, s->hidden_size);
  block->norm1 = take_operands (plan, s->hidden_size);
  block->mean1 = take_reals (plan, 1);
  block->rstd1 = take_reals (plan, 1);
  block->qkv = take_operands (plan, 3 * s->hidden_size);
  block->context = take_operands (plan, s->hidden_size);
  block->log_sum_exp = take_reals (plan, s->n_heads);
  block->middle = take_reals (plan, s->hidden_size);
  block->norm2 = take_operands (plan, s->hidden_size);
  block->mean2 = take_reals (plan, 1);
  block->rstd2 = take_reals (plan, 1);
  block->up = take_operands (plan, s->ffn_size);
  block->gelu = take_operands (plan, s->ffn_size);
}

static void
plan_head (Plan *plan, SngTransformerActivations *a)
{
  const SngTransformerSettings *s = plan->settings;

  a->last = take_reals (plan, s->hidden_size);
  a->final_norm = take_operands (plan, s->hidden_size);
  a->final_mean = take_reals (plan, 1);
  a->final_rstd = take_reals (plan, 1);
  if (s->architecture == SNG_ARCHITECTURE_ESM2)
    {
      a->dense = take_reals (plan, s->hidden_size);
      a->gelu = take_reals (plan, s->hidden_size);
      a->head_norm = take_operands (plan, s->hidden_size);
      a->head_mean = take_reals (plan, 1);
      a->head_rstd = take_reals (plan, 1);
    }
  a->logits = take_reals (plan, s->vocab_size);
  a->log_sum_exp = take_reals (plan, 1);
}

static void
plan_gradients (Plan *plan, SngTransformerActivations *a)
{
  const SngTransformerSettings *s = plan->settings;
  gsize start, end;

  a->d_hidden = take_reals (plan, s->hidden_size);
  a->d_gelu = a->d_hidden;
  a->d_norm = take_reals (plan, s->hidden_size);
  a->d_branch = plan->operand == plan->real && s->hidden_dropout == 0 ? a->d_hidden
                                                                      : take_operands (plan, s->hidden_size);

  start = plan->total;
  a->d_qkv = take_operands (plan, 3 * s->hidden_size);
  a->d_context = take_operands (plan, s->hidden_size);
  end = plan->total;
  plan->total = start;
  a->d_up = take_operands (plan, s->ffn_size);
  end = MAX (end, plan->total);
  plan->total = start;
  a->d_logits = take_operands (plan, s->vocab_size);
  a->d_dense = start;
  plan->total = MAX (end, plan->total);
}

static gboolean
plan_arena (SngTransformer *self,
            const SngKernels *kernels,
            SngTransformerActivations *a,
            gsize *n_bytes,
            GError **error)
{
  const SngTransformerSettings *s = &self->settings;
  Plan plan = {
    .settings = s,
    .n_rows = sng_transformer_max_rows (self),
    .real = sng_dtype_get_size (kernels->real),
    .operand = sng_dtype_get_size (kernels->operand),
  };

  if (s->architecture == SNG_ARCHITECTURE_ESM2)
    {
      a->cosine = take (&plan, s->max_length, s->head_size / 2, plan.real);
      a->sine = take (&plan, s->max_length, s->head_size / 2, plan.real);
    }
  for (guint i = 0; i < s->n_layers; i++)
    plan_block (&plan, &a->blocks[i]);
  plan_head (&plan, a);
  plan_gradients (&plan, a);

  *n_bytes = plan.total;
  if (plan.too_large)
    g_set_error (
        error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
        "[transformer][memory] max-batch-size %u with max-length %u needs more bytes than there can be",
        s->max_batch_size, s->max_length);
  return !plan.too_large;
}

/* In f32 the angles are computed in f32, as the reference implementation of ESM-2 does: at position 1000 that is 3e-5 away
 * from the exact angle. */
static void
compute_angle (SngTransformer *self, gsize token, gsize pair, gpointer cosine, gpointer sine, gsize i)
{
  if (self->settings.dtype == SNG_DTYPE_F32)
    {
      float angle = (float) token * (float) sng_transformer_rotary_frequency (self, pair);

      ((float *) cosine)[i] = cosf (angle);
      ((float *) sine)[i] = sinf (angle);
    }
  else
    {
      double angle = (double) token * sng_transformer_rotary_frequency (self, pair);

      ((double *) cosine)[i] = cos (angle);
      ((double *) sine)[i] = sin (angle);
    }
}

static gboolean
fill_rotary_tables (SngTransformer *self,
                    SngTensor *arena,
                    const SngTransformerActivations *a,
                    GError **error)
{
  SngDeviceClass *device_class = sng_transformer_device_class (self);
  gsize half = self->settings.head_size / 2;
  gsize n = self->settings.max_length * half;
  gsize size = sng_dtype_get_size (self->settings.dtype);
  char *data = sng_tensor_get_data (arena);
  g_autofree gpointer cosine = NULL;
  g_autofree gpointer sine = NULL;

  if (self->settings.architecture != SNG_ARCHITECTURE_ESM2)
    return TRUE;
  cosine = g_malloc (n * size);
  sine = g_malloc (n * size);
  for (gsize i = 0; i < n; i++)
    compute_angle (self, i / half, i % half, cosine, sine, i);
  return device_class->upload (self->device, data + a->cosine, cosine, n * size, error)
         && device_class->upload (self->device, data + a->sine, sine, n * size, error);
}

/* From 1, over all models of the process. */
static guint64
count_plan (void)
{
  static gsize n_plans; /* atomic */

  return (guint64) g_atomic_pointer_add (&n_plans, 1) + 1;
}

gboolean
sng_transformer_plan_memory (SngTransformer *self, const SngKernels *kernels, GError **error)
{
  g_autofree SngBlockActivations *blocks = g_new0 (SngBlockActivations, self->settings.n_layers);
  SngTransformerActivations activations = { .blocks = blocks };
  gint64 n_trained = sng_tensor_get_n_elements (self->gradients);
  g_autoptr (SngTensor) arena = NULL;
  g_autoptr (SngTensor) operands = NULL;
  gsize n_bytes;
  gint64 n_reals;

  if (!plan_arena (self, kernels, &activations, &n_bytes, error))
    return FALSE;
  n_reals = (gint64) (n_bytes / sng_dtype_get_size (kernels->real));
  arena = sng_tensor_new (kernels->real, &n_reals, 1, self->device, error);
  if (arena == NULL || !fill_rotary_tables (self, arena, &activations, error))
    return FALSE;
  if (kernels->operand != kernels->real)
    {
      operands = sng_tensor_new (kernels->operand, &n_trained, 1, self->device, error);
      if (operands == NULL)
        return FALSE;
    }

  g_set_object (&self->arena, arena);
  self->plan = count_plan ();
  g_set_object (&self->operands, operands);
  g_free (self->activations.blocks);
  self->activations = activations;
  self->activations.blocks = g_steal_pointer (&blocks);
  self->kernels = kernels;
  self->batch.has_activations = FALSE;
  self->batch.can_go_back = FALSE;
  return TRUE;
}
