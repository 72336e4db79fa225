/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-metadata-private.h"

#include <string.h>

#include "record/sng-number-private.h"

/**
 * SngMetadata:
 *
 * One recorded entry: what a metric was at one place of a training run.
 *
 * The place is the entry's key: metric, stage, step, micro-batch (-1 where an
 * entry belongs to none), rank and path, which tells entries of one metric apart,
 * such as the name of a parameter. What was recorded there is either a value or
 * a tensor. Of a tensor the fingerprint is kept, and its dtype, shape, minimum,
 * maximum, mean and number of non-finite elements, so an entry costs the
 * same for a tensor of any size. Where the tensor was written whole, @capture names the
 * file.
 *
 * An entry can be written as an `a{sv}` and made from one:
 *
 * | key | type | |
 * |---|---|---|
 * | `version` | `x` | 1; may be left out |
 * | `metric`, `path` | `s` | |
 * | `stage` | `s` | `train` or `validate` |
 * | `step` | `x` | |
 * | `micro-batch`, `rank` | `x` | -1 and 0 where they are left out |
 * | `value` | any | a number, a boolean, a string or anything made of them |
 * | `dtype`, `fingerprint` | `s` | of a tensor, in place of `value` |
 * | `shape` | `ax` | |
 * | `minimum`, `maximum`, `mean` | `d` | NaN where there is none |
 * | `non-finite` | `x` | |
 * | `capture` | `s` | relative to the run's directory; may be left out |
 *
 * Entries are immutable and may be used in any thread.
 *
 * Since: 1.0
 */
G_DEFINE_BOXED_TYPE (SngMetadata, sng_metadata, sng_metadata_ref, sng_metadata_unref)

SngMetadata *
sng_metadata_alloc (const char *metric,
                    SngStage stage,
                    guint64 step,
                    gint64 micro_batch,
                    guint rank,
                    const char *path)
{
  SngMetadata *self = g_new0 (SngMetadata, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->metric = g_strdup (metric);
  self->stage = stage;
  self->step = step;
  self->micro_batch = micro_batch;
  self->rank = rank;
  self->path = g_strdup (path);

  return self;
}

/**
 * sng_metadata_ref:
 * @self: an entry
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
SngMetadata *
sng_metadata_ref (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);

  return self;
}

/**
 * sng_metadata_unref:
 * @self: (transfer full): an entry
 *
 * Drops a reference; the last one frees the entry.
 *
 * Since: 1.0
 */
void
sng_metadata_unref (SngMetadata *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_free (self->metric);
  g_free (self->path);
  g_clear_pointer (&self->value, g_variant_unref);
  g_free (self->shape);
  g_free (self->fingerprint);
  g_free (self->capture);
  g_free (self);
}

/**
 * sng_metadata_get_metric:
 * @self: an entry
 *
 * Gets the name of the metric.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_metadata_get_metric (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->metric;
}

/**
 * sng_metadata_get_stage:
 * @self: an entry
 *
 * Gets the stage that the entry belongs to.
 *
 * Returns: the stage
 *
 * Since: 1.0
 */
SngStage
sng_metadata_get_stage (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, SNG_STAGE_TRAIN);

  return self->stage;
}

/**
 * sng_metadata_get_step:
 * @self: an entry
 *
 * Gets the global step that the entry belongs to.
 *
 * Returns: the step; the state before the first one has 0
 *
 * Since: 1.0
 */
guint64
sng_metadata_get_step (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->step;
}

/**
 * sng_metadata_get_micro_batch:
 * @self: an entry
 *
 * Gets the index of the micro-batch within its step or its validation.
 *
 * Returns: the index, or -1 for an entry that belongs to no micro-batch
 *
 * Since: 1.0
 */
gint64
sng_metadata_get_micro_batch (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, -1);

  return self->micro_batch;
}

/**
 * sng_metadata_get_rank:
 * @self: an entry
 *
 * Gets the rank of the process that recorded the entry.
 *
 * Returns: the rank, from 0
 *
 * Since: 1.0
 */
guint
sng_metadata_get_rank (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->rank;
}

/**
 * sng_metadata_get_path:
 * @self: an entry
 *
 * Gets what tells the entry apart from others of its metric at the same place,
 * such as the name of a parameter.
 *
 * Returns: (transfer none): the path, which may be empty
 *
 * Since: 1.0
 */
const char *
sng_metadata_get_path (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->path;
}

/**
 * sng_metadata_get_value:
 * @self: an entry
 *
 * Gets the recorded value.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL for a tensor's entry
 *
 * Since: 1.0
 */
GVariant *
sng_metadata_get_value (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->value;
}

/**
 * sng_metadata_is_tensor:
 * @self: an entry
 *
 * Tells whether a tensor was recorded, and not a value.
 *
 * Returns: %TRUE for a tensor
 *
 * Since: 1.0
 */
gboolean
sng_metadata_is_tensor (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->value == NULL;
}

/**
 * sng_metadata_get_dtype:
 * @self: a tensor's entry
 *
 * Gets the type of the tensor's elements.
 *
 * Returns: the dtype
 *
 * Since: 1.0
 */
SngDtype
sng_metadata_get_dtype (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL && self->value == NULL, SNG_DTYPE_F32);

  return self->dtype;
}

/**
 * sng_metadata_get_shape:
 * @self: an entry
 * @n_dims: (out): the number of dimensions
 *
 * Gets the tensor's shape.
 *
 * Returns: (transfer none) (nullable) (array length=n_dims): the size of each
 *   dimension; %NULL for a value's entry
 *
 * Since: 1.0
 */
const gint64 *
sng_metadata_get_shape (SngMetadata *self, guint *n_dims)
{
  g_return_val_if_fail (self != NULL && n_dims != NULL, NULL);

  *n_dims = self->n_dims;

  return self->shape;
}

/**
 * sng_metadata_get_fingerprint:
 * @self: an entry
 *
 * Gets the tensor's fingerprint, as [method@Sng.Fingerprint.to_string] writes it.
 *
 * Returns: (transfer none) (nullable): the fingerprint; %NULL for a value's entry
 *
 * Since: 1.0
 */
const char *
sng_metadata_get_fingerprint (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->fingerprint;
}

/**
 * sng_metadata_get_summary:
 * @self: a tensor's entry
 * @minimum: (out) (optional): the smallest finite element
 * @maximum: (out) (optional): the largest finite element
 * @mean: (out) (optional): the mean of the finite elements
 * @n_non_finite: (out) (optional): how many elements are infinite or not a number
 *
 * Gets what was noted about the tensor's elements. The first three are NaN where
 * no element is finite.
 *
 * Since: 1.0
 */
void
sng_metadata_get_summary (SngMetadata *self,
                          double *minimum,
                          double *maximum,
                          double *mean,
                          guint64 *n_non_finite)
{
  g_return_if_fail (self != NULL && self->value == NULL);

  if (minimum != NULL)
    *minimum = self->minimum;
  if (maximum != NULL)
    *maximum = self->maximum;
  if (mean != NULL)
    *mean = self->mean;
  if (n_non_finite != NULL)
    *n_non_finite = self->n_non_finite;
}

/**
 * sng_metadata_get_capture:
 * @self: an entry
 *
 * Gets the file that holds the whole tensor.
 *
 * Returns: (transfer none) (nullable): a path relative to the run's directory, or
 *   %NULL when the tensor was not kept
 *
 * Since: 1.0
 */
const char *
sng_metadata_get_capture (SngMetadata *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->capture;
}

/**
 * sng_metadata_equal:
 * @a: an entry
 * @b: an entry
 *
 * Tells whether the same was recorded, bit by bit: two numbers are equal when their
 * bits are, so 0.0 is not -0.0 and a NaN is equal to the same NaN; two tensors
 * are when dtype, shape and fingerprint are. The keys of the entries are not looked at.
 *
 * Returns: %TRUE when they are equal
 *
 * Since: 1.0
 */
gboolean
sng_metadata_equal (SngMetadata *a, SngMetadata *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  if ((a->value == NULL) != (b->value == NULL))
    return FALSE;

  if (a->value != NULL)
    return g_variant_equal (a->value, b->value);

  return a->dtype == b->dtype && a->n_dims == b->n_dims
         && memcmp (a->shape, b->shape, a->n_dims * sizeof *a->shape) == 0
         && strcmp (a->fingerprint, b->fingerprint) == 0;
}

/**
 * sng_metadata_describe:
 * @self: an entry
 *
 * Writes what was recorded for people to read: a number with its bits, such as
 * `9.2e-05 (0x3f181e03f705857b)`, a tensor as dtype, shape and fingerprint.
 *
 * Returns: (transfer full): a string in one line
 *
 * Since: 1.0
 */
char *
sng_metadata_describe (SngMetadata *self)
{
  GString *string;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->value != NULL && !g_variant_is_of_type (self->value, G_VARIANT_TYPE_DOUBLE))
    return g_variant_print (self->value, FALSE);

  string = g_string_new (NULL);

  if (self->value != NULL)
    {
      double number = g_variant_get_double (self->value);
      char text[SNG_NUMBER_BUFFER_SIZE];

      g_string_append_printf (string, "%s (0x%016" G_GINT64_MODIFIER "x)", sng_number_print (text, number),
                              sng_number_get_bits (number));
    }
  else
    {
      g_string_append_printf (string, "%s [", sng_dtype_get_name (self->dtype));
      for (guint i = 0; i < self->n_dims; i++)
        g_string_append_printf (string, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", self->shape[i]);
      g_string_append_printf (string, "] fingerprint %s", self->fingerprint);
    }

  return g_string_free (string, FALSE);
}
