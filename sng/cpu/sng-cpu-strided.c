/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu/sng-cpu-private.h"

#include <string.h>

/* Between elements of any layout and a contiguous block. */

/* Where the walk over a layout in row-major order stands. */
typedef struct
{
  gint64 index[SNG_TENSOR_MAX_DIMS];
  gint64 offset; /* of the element at index, in elements */
} Walk;

static void
walk_start (Walk *walk, const SngLayout *layout, gint64 first)
{
  walk->offset = 0;
  for (guint i = layout->n_dims; i-- > 0;)
    {
      walk->index[i] = first % layout->shape[i];
      first /= layout->shape[i];
      walk->offset += walk->index[i] * layout->strides[i];
    }
}

/* Goes on by n elements, which do not leave the innermost dimension. */
static void
walk_on (Walk *walk, const SngLayout *layout, gint64 n)
{
  guint i = layout->n_dims - 1;

  walk->index[i] += n;
  walk->offset += n * layout->strides[i];

  while (i > 0 && walk->index[i] == layout->shape[i])
    {
      walk->offset -= walk->index[i] * layout->strides[i];
      walk->index[i] = 0;
      i--;
      walk->index[i]++;
      walk->offset += layout->strides[i];
    }
}

/* Copies n items, steps in items. */
static void
copy_items (gpointer destination,
            gint64 to_step,
            gconstpointer source,
            gint64 from_step,
            gint64 n,
            gsize size)
{
  if (to_step == 1 && from_step == 1)
    {
      memcpy (destination, source, n * size);
      return;
    }

/* clang-format off */
#define COPY(type)                                \
  {                                               \
    type *to = destination;                       \
    const type *from = source;                    \
                                                  \
    for (gint64 i = 0; i < n; i++)                \
      to[i * to_step] = from[i * from_step];      \
  }                                               \
  break
  /* clang-format on */

  switch (size)
    {
    case 8:
      COPY (guint64);
    case 4:
      COPY (guint32);
    case 2:
      COPY (guint16);
    default:
      COPY (guint8);
    }
#undef COPY
}

void
sng_cpu_gather (SngDevice *device,
                gpointer destination,
                gconstpointer source,
                const SngLayout *layout,
                gint64 first,
                gint64 n)
{
  gsize size = sng_dtype_get_size (layout->dtype);
  char *to = destination;
  Walk walk;

  if (n == 0)
    return;

  if (layout->contiguous || layout->n_dims == 0)
    {
      memcpy (to, (const char *) source + first * size, n * size);
      return;
    }

  walk_start (&walk, layout, first);
  while (n > 0)
    {
      guint last = layout->n_dims - 1;
      gint64 run = MIN (n, layout->shape[last] - walk.index[last]);

      copy_items (to, 1, (const char *) source + walk.offset * (gssize) size, layout->strides[last], run,
                  size);
      walk_on (&walk, layout, run);
      to += run * size;
      n -= run;
    }
}

void
sng_cpu_scatter (SngDevice *device,
                 gpointer destination,
                 const SngLayout *layout,
                 gconstpointer source,
                 gint64 first,
                 gint64 n)
{
  gsize size = sng_dtype_get_size (layout->dtype);
  const char *from = source;
  Walk walk;

  if (n == 0)
    return;

  if (layout->contiguous || layout->n_dims == 0)
    {
      memcpy ((char *) destination + first * size, from, n * size);
      return;
    }

  walk_start (&walk, layout, first);
  while (n > 0)
    {
      guint last = layout->n_dims - 1;
      gint64 run = MIN (n, layout->shape[last] - walk.index[last]);

      copy_items ((char *) destination + walk.offset * (gssize) size, layout->strides[last], from, 1, run,
                  size);
      walk_on (&walk, layout, run);
      from += run * size;
      n -= run;
    }
}
