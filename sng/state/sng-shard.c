/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-shard-private.h"

#include <string.h>

#include "sng-error.h"

#define MAX_DIMS 32 /* of a tensor */

/**
 * SngShard:
 *
 * Where a tensor lies in a larger one that several ranks hold together.
 *
 * The larger tensor has a global shape; the shard is the block of it that begins
 * at an offset and has a shape of its own, one number a dimension each. A
 * stateful says with [method@Sng.StateDict.set_shard] that a tensor of its
 * state is one. Each rank writes its own with
 * [method@Sng.CheckpointStore.save_rank]; a load puts them together, so that any
 * other number of ranks can take what it needs with [method@Sng.Shard.slice].
 *
 * ```c
 * const gint64 shape[] = { 1024, 320 };
 * g_autoptr (SngShard) shard = sng_shard_new_split (shape, 2, 0, rank, n_ranks, &error);
 *
 * sng_state_dict_set_shard (state, "weight", weight, shard, &error);
 * ```
 *
 * A shard does not change and may be used by any thread.
 *
 * Since: 1.0
 */

struct _SngShard
{
  gatomicrefcount ref_count;
  guint n_dims;
  gint64 global_shape[MAX_DIMS];
  gint64 offset[MAX_DIMS];
  gint64 shape[MAX_DIMS];
};

G_DEFINE_BOXED_TYPE (SngShard, sng_shard, sng_shard_ref, sng_shard_unref)

char *
sng_shard_describe (SngShard *self)
{
  const struct
  {
    const char *prefix;
    const gint64 *numbers;
  } parts[] = { { "", self->shape }, { " at ", self->offset }, { " of ", self->global_shape } };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_string_append_printf (text, "%s[", parts[i].prefix);
      for (guint k = 0; k < self->n_dims; k++)
        g_string_append_printf (text, "%s%" G_GINT64_FORMAT, k > 0 ? ", " : "", parts[i].numbers[k]);
      g_string_append_c (text, ']');
    }

  return g_string_free (text, FALSE);
}

/**
 * sng_shard_new:
 * @global_shape: (array length=n_dims) (nullable): the shape of the larger tensor; %NULL only when @n_dims is 0
 * @n_dims: the number of dimensions, at most 32
 * @offset: (array length=n_offsets) (nullable): where the shard begins in it, an index a dimension
 * @n_offsets: @n_dims
 * @shape: (array length=n_sizes) (nullable): the shape of the shard
 * @n_sizes: @n_dims
 * @error: return location for an error
 *
 * Describes a shard.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where the three have not as many
 * dimensions, a number is negative, or the shard reaches outside.
 *
 * Returns: (transfer full): the shard
 *
 * Since: 1.0
 */
SngShard *
sng_shard_new (const gint64 *global_shape,
               guint n_dims,
               const gint64 *offset,
               guint n_offsets,
               const gint64 *shape,
               guint n_sizes,
               GError **error)
{
  g_autoptr (SngShard) self = NULL;

  if (n_dims > MAX_DIMS || n_offsets != n_dims || n_sizes != n_dims)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
          "[shard][new] a global shape of %u dimensions, an offset of %u and a shape of %u: they must "
          "have as many, and at most %d",
          n_dims, n_offsets, n_sizes, MAX_DIMS);
      return NULL;
    }

  g_return_val_if_fail (n_dims == 0 || (global_shape != NULL && offset != NULL && shape != NULL), NULL);

  self = g_new0 (SngShard, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    {
      self->global_shape[i] = global_shape[i];
      self->offset[i] = offset[i];
      self->shape[i] = shape[i];
    }

  for (guint i = 0; i < n_dims; i++)
    if (offset[i] < 0 || shape[i] < 0 || offset[i] > global_shape[i]
        || shape[i] > global_shape[i] - offset[i])
      {
        g_autofree char *text = sng_shard_describe (self);

        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                     "[shard][new] %s reaches outside of it in dimension %u", text, i);
        return NULL;
      }

  return g_steal_pointer (&self);
}

/**
 * sng_shard_new_split:
 * @global_shape: (array length=n_dims): the shape of the larger tensor
 * @n_dims: the number of dimensions, at least 1
 * @dim: the dimension that is split
 * @rank: whose shard
 * @n_ranks: how many ranks share the tensor
 * @error: return location for an error
 *
 * Describes the shard of one rank where one dimension is split among all ranks, in
 * equal parts as far as it goes: each has as many indices as the size divided by the ranks, rounded up,
 * and the last ones have what is left, or nothing. That is how PyTorch's `chunk` and `DTensor`
 * split.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT where there is no such dimension or rank.
 *
 * Returns: (transfer full): the shard
 *
 * Since: 1.0
 */
SngShard *
sng_shard_new_split (const gint64 *global_shape,
                     guint n_dims,
                     guint dim,
                     guint rank,
                     guint n_ranks,
                     GError **error)
{
  gint64 offset[MAX_DIMS] = { 0 };
  gint64 shape[MAX_DIMS];
  gint64 each;

  if (n_dims > MAX_DIMS || dim >= n_dims || rank >= n_ranks)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[shard][split] there is no rank %u of %u, or no dimension %u of %u", rank, n_ranks, dim,
                   n_dims);
      return NULL;
    }

  memcpy (shape, global_shape, n_dims * sizeof *shape);
  each = global_shape[dim] / n_ranks + (global_shape[dim] % n_ranks != 0);
  offset[dim] = MIN (each * rank, global_shape[dim]);
  shape[dim] = MIN (each, global_shape[dim] - offset[dim]);

  return sng_shard_new (global_shape, n_dims, offset, n_dims, shape, n_dims, error);
}

/**
 * sng_shard_ref:
 * @self: a shard
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
SngShard *
sng_shard_ref (SngShard *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

/**
 * sng_shard_unref:
 * @self: (transfer full): a shard
 *
 * Gives a reference up.
 *
 * Since: 1.0
 */
void
sng_shard_unref (SngShard *self)
{
  g_return_if_fail (self != NULL);

  if (g_atomic_ref_count_dec (&self->ref_count))
    g_free (self);
}

static const gint64 *
get_numbers (SngShard *self, const gint64 *numbers, guint *n_dims)
{
  if (n_dims != NULL)
    *n_dims = self->n_dims;

  return numbers;
}

/**
 * sng_shard_get_global_shape:
 * @self: a shard
 * @n_dims: (out) (optional): return location for the number of dimensions
 *
 * Gets the shape of the larger tensor.
 *
 * Returns: (transfer none) (array length=n_dims): the size of each dimension
 *
 * Since: 1.0
 */
const gint64 *
sng_shard_get_global_shape (SngShard *self, guint *n_dims)
{
  g_return_val_if_fail (self != NULL, NULL);

  return get_numbers (self, self->global_shape, n_dims);
}

/**
 * sng_shard_get_offset:
 * @self: a shard
 * @n_dims: (out) (optional): return location for the number of dimensions
 *
 * Gets where the shard begins.
 *
 * Returns: (transfer none) (array length=n_dims): its first index in each dimension of the larger tensor
 *
 * Since: 1.0
 */
const gint64 *
sng_shard_get_offset (SngShard *self, guint *n_dims)
{
  g_return_val_if_fail (self != NULL, NULL);

  return get_numbers (self, self->offset, n_dims);
}

/**
 * sng_shard_get_shape:
 * @self: a shard
 * @n_dims: (out) (optional): return location for the number of dimensions
 *
 * Gets the shape of the shard itself.
 *
 * Returns: (transfer none) (array length=n_dims): the size of each dimension
 *
 * Since: 1.0
 */
const gint64 *
sng_shard_get_shape (SngShard *self, guint *n_dims)
{
  g_return_val_if_fail (self != NULL, NULL);

  return get_numbers (self, self->shape, n_dims);
}

static gboolean
same_numbers (SngShard *self, const gint64 *a, const gint64 *b)
{
  return memcmp (a, b, self->n_dims * sizeof *a) == 0;
}

/**
 * sng_shard_is_whole:
 * @self: a shard
 *
 * Tells whether it is all of the larger tensor.
 *
 * Returns: %TRUE where it is
 *
 * Since: 1.0
 */
gboolean
sng_shard_is_whole (SngShard *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return same_numbers (self, self->shape, self->global_shape);
}

/**
 * sng_shard_equal:
 * @a: a shard
 * @b: another one
 *
 * Tells whether both are the same block of tensors of the same shape.
 *
 * Returns: %TRUE where they are
 *
 * Since: 1.0
 */
gboolean
sng_shard_equal (SngShard *a, SngShard *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a->n_dims == b->n_dims && same_numbers (a, a->global_shape, b->global_shape)
         && same_numbers (a, a->offset, b->offset) && same_numbers (a, a->shape, b->shape);
}

gboolean
sng_shard_overlaps (SngShard *a, SngShard *b)
{
  for (guint i = 0; i < a->n_dims; i++)
    if (a->offset[i] >= b->offset[i] + b->shape[i] || b->offset[i] >= a->offset[i] + a->shape[i])
      return FALSE;

  return TRUE;
}

gboolean
sng_shard_same_whole (SngShard *a, SngShard *b)
{
  return a->n_dims == b->n_dims && same_numbers (a, a->global_shape, b->global_shape);
}

/**
 * sng_shard_slice:
 * @self: a shard
 * @whole: a tensor of the global shape
 * @error: return location for an error
 *
 * Gets the shard out of the larger tensor.
 *
 * Fails with %SNG_ERROR_MISMATCH where @whole has another shape.
 *
 * Returns: (transfer full): a view of @whole, which is kept alive by it and as read-only as that
 *
 * Since: 1.0
 */
SngTensor *
sng_shard_slice (SngShard *self, SngTensor *whole, GError **error)
{
  guint n_dims, n_strides;
  const gint64 *shape, *strides;
  gint64 first = 0;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (SNG_IS_TENSOR (whole), NULL);

  shape = sng_tensor_get_shape (whole, &n_dims);
  strides = sng_tensor_get_strides (whole, &n_strides);
  if (n_dims != self->n_dims || !same_numbers (self, shape, self->global_shape))
    {
      g_autofree char *text = sng_shard_describe (self);
      g_autofree char *tensor = sng_tensor_describe (whole);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "[shard][slice] %s cannot be taken from %s", text,
                   tensor);
      return NULL;
    }

  for (guint i = 0; i < n_dims; i++)
    first += self->offset[i] * strides[i];

  return sng_tensor_new_view (whole, first, self->shape, n_dims, strides, n_strides, error);
}
