/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device-private.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

#if G_BYTE_ORDER != G_LITTLE_ENDIAN
# error "Tensors are little-endian in files and in memory."
#endif

struct _SngTensor
{
  GObject    parent_instance;

  SngLayout  layout;
  gint64    *dims; /* the layout's shape, then its strides */
  SngDevice *device;
  char      *data; /* of the first element */
  gsize      n_bytes;
  gboolean   read_only;

  /* What the memory belongs to: the device if none is set. */
  GBytes        *bytes;
  SngTensor     *base;
  gpointer       owner;
  GDestroyNotify release_owner;
};

/* Fills the layout of a new tensor; strides may be NULL for row-major without gaps. Fails where the shape cannot be. */
SngTensor *sng_tensor_new_layout (SngDtype       dtype,
                                  const gint64  *shape,
                                  const gint64  *strides,
                                  guint          n_dims,
                                  GError       **error);

/* The lowest and the highest offset of an element, for a layout that has any; FALSE on overflow. */
gboolean sng_layout_get_extent (const SngLayout *self,
                                gint64          *lowest,
                                gint64          *highest);

G_END_DECLS
