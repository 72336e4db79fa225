/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-func-private.h"
#include "tensor/sng-device-private.h"

G_BEGIN_DECLS

/* A layout as kernels read it: the fewest dimensions of the widest units that can be loaded at once. A unit is 1, 2, 4, 8 or 16
 * bytes, may be a part of an element or several, and lies at a multiple of its size. */

#define SNG_CUDA_VIEW_MAX_DIMS (SNG_TENSOR_MAX_DIMS + 1)

typedef struct
{
  guint64 size;   /* in units */
  gint64  stride; /* in bytes */
} SngCudaDim;

typedef struct
{
  guint      unit; /* bytes */
  guint      n_dims;
  SngCudaDim dims[SNG_CUDA_VIEW_MAX_DIMS];
} SngCudaView;

static inline void
sng_cuda_view_append (SngCudaView *self,
                      guint64      size,
                      gint64       stride)
{
  SngCudaDim *last = self->n_dims > 0 ? &self->dims[self->n_dims - 1] : NULL;

  if (size == 1)
    return;
  if (last != NULL && last->stride == (gint64) size * stride)
    {
      last->size *= size;
      last->stride = stride;
      return;
    }
  self->dims[self->n_dims].size = size;
  self->dims[self->n_dims++].stride = stride;
}

/* Pairs of units become one, if they lie side by side and at multiples of its size; alignment is a multiple of that of all
 * addresses and ranges. */
static inline gboolean
sng_cuda_view_widen (SngCudaView *self,
                     guint64      alignment)
{
  SngCudaDim *last = &self->dims[self->n_dims - 1];
  guint unit = 2 * self->unit;

  if (last->stride != (gint64) self->unit || last->size % 2 != 0 || alignment % unit != 0)
    return FALSE;
  for (guint i = 0; i + 1 < self->n_dims; i++)
    if (self->dims[i].stride % unit != 0)
      return FALSE;

  self->unit = unit;
  last->size /= 2;
  last->stride = unit;
  if (last->size == 1 && self->n_dims > 1)
    self->n_dims--;
  return TRUE;
}

/* For a layout that has elements. The lowest bit that is set in alignment is what all addresses and ranges, in bytes, are
 * multiples of. */
static inline void
sng_cuda_view_init (SngCudaView     *self,
                    const SngLayout *layout,
                    gsize            item_size,
                    guint64          alignment,
                    guint            max_unit)
{
  self->unit = 1;
  self->n_dims = 0;
  for (guint i = 0; i < layout->n_dims; i++)
    sng_cuda_view_append (self, (guint64) layout->shape[i], layout->strides[i] * (gint64) item_size);
  sng_cuda_view_append (self, item_size, 1);
  if (self->n_dims == 0)
    {
      self->dims[0].size = 1;
      self->dims[0].stride = 1;
      self->n_dims = 1;
    }
  while (self->unit < max_unit && sng_cuda_view_widen (self, alignment))
    continue;
}

/* Whether the units lie side by side. */
static inline gboolean
sng_cuda_view_is_contiguous (const SngCudaView *self)
{
  return self->n_dims == 1 && self->dims[0].stride == (gint64) self->unit;
}

/* Where a unit lies, in bytes from the first one. Division by 32 bits takes a third of the time. */
static inline SNG_DEVICE_FUNC gint64
sng_cuda_view_offset (const SngCudaDim *dims,
                      guint             n_dims,
                      guint64           index)
{
  gint64 offset = 0;

  for (guint i = n_dims - 1; i > 0; i--)
    {
      guint64 size = dims[i].size;
      guint64 outer = ((index | size) >> 32) == 0 ? (guint32) index / (guint32) size : index / size;

      offset += (gint64) (index - outer * size) * dims[i].stride;
      index = outer;
    }
  return offset + (gint64) index * dims[0].stride;
}

G_END_DECLS
