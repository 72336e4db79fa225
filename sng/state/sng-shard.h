/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

#define SNG_TYPE_SHARD (sng_shard_get_type ())

/* Where a tensor lies in a larger one that several ranks hold together. Immutable. */
typedef struct _SngShard SngShard;

SNG_AVAILABLE_IN_1_0
GType         sng_shard_get_type         (void) G_GNUC_CONST;
SNG_AVAILABLE_IN_1_0
SngShard     *sng_shard_new              (const gint64  *global_shape,
                                          guint          n_dims,
                                          const gint64  *offset,
                                          guint          n_offsets,
                                          const gint64  *shape,
                                          guint          n_sizes,
                                          GError       **error);
SNG_AVAILABLE_IN_1_0
SngShard     *sng_shard_new_split        (const gint64  *global_shape,
                                          guint          n_dims,
                                          guint          dim,
                                          guint          rank,
                                          guint          n_ranks,
                                          GError       **error);
SNG_AVAILABLE_IN_1_0
SngShard     *sng_shard_ref              (SngShard      *self);
SNG_AVAILABLE_IN_1_0
void          sng_shard_unref            (SngShard      *self);
SNG_AVAILABLE_IN_1_0
const gint64 *sng_shard_get_global_shape (SngShard      *self,
                                          guint         *n_dims);
SNG_AVAILABLE_IN_1_0
const gint64 *sng_shard_get_offset       (SngShard      *self,
                                          guint         *n_dims);
SNG_AVAILABLE_IN_1_0
const gint64 *sng_shard_get_shape        (SngShard      *self,
                                          guint         *n_dims);
SNG_AVAILABLE_IN_1_0
gboolean      sng_shard_is_whole         (SngShard      *self);
SNG_AVAILABLE_IN_1_0
gboolean      sng_shard_equal            (SngShard      *a,
                                          SngShard      *b);
SNG_AVAILABLE_IN_1_0
SngTensor    *sng_shard_slice            (SngShard      *self,
                                          SngTensor     *whole,
                                          GError       **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngShard, sng_shard_unref)

G_END_DECLS
