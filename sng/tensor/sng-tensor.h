/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <gio/gio.h>
#include "tensor/sng-device.h"
#include "tensor/sng-dtype.h"
#include "tensor/sng-fingerprint.h"

G_BEGIN_DECLS

#define SNG_TYPE_TENSOR (sng_tensor_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngTensor, sng_tensor, SNG, TENSOR, GObject)

SNG_AVAILABLE_IN_1_0
SngTensor      *sng_tensor_new                 (SngDtype        dtype,
                                                const gint64   *shape,
                                                guint           n_dims,
                                                SngDevice      *device,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_tensor_new_from_bytes      (SngDtype        dtype,
                                                const gint64   *shape,
                                                guint           n_dims,
                                                GBytes         *bytes,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_tensor_new_from_values     (SngDtype        dtype,
                                                const gint64   *shape,
                                                guint           n_dims,
                                                const double   *values,
                                                gsize           n_values,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_tensor_new_view            (SngTensor      *base,
                                                gint64          offset,
                                                const gint64   *shape,
                                                guint           n_dims,
                                                const gint64   *strides,
                                                guint           n_strides,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
SngTensor      *sng_tensor_copy                (SngTensor      *self,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
SngDtype        sng_tensor_get_dtype           (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
guint           sng_tensor_get_n_dims          (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
const gint64   *sng_tensor_get_shape           (SngTensor      *self,
                                                guint          *n_dims);
SNG_AVAILABLE_IN_1_0
const gint64   *sng_tensor_get_strides         (SngTensor      *self,
                                                guint          *n_dims);
SNG_AVAILABLE_IN_1_0
SngDevice      *sng_tensor_get_device          (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
gint64          sng_tensor_get_n_elements      (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
gsize           sng_tensor_get_n_bytes         (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_is_contiguous       (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_is_read_only        (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
gpointer        sng_tensor_get_data            (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
GBytes         *sng_tensor_dup_bytes           (SngTensor      *self,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_set_bytes           (SngTensor      *self,
                                                GBytes         *bytes,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_copy_from           (SngTensor      *self,
                                                SngTensor      *source,
                                                GError        **error);
SNG_AVAILABLE_IN_1_0
double          sng_tensor_get_value           (SngTensor      *self,
                                                gint64          index);
SNG_AVAILABLE_IN_1_0
gint64          sng_tensor_get_value_int64     (SngTensor      *self,
                                                gint64          index);
SNG_AVAILABLE_IN_1_0
double         *sng_tensor_dup_values          (SngTensor      *self,
                                                gsize          *n_values);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_equal               (SngTensor      *a,
                                                SngTensor      *b);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_same_layout         (SngTensor      *a,
                                                SngTensor      *b);
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_tensor_compute_fingerprint (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_tensor_summarize           (SngTensor      *self,
                                                double         *minimum,
                                                double         *maximum,
                                                double         *mean,
                                                guint64        *n_non_finite);
SNG_AVAILABLE_IN_1_0
gboolean        sng_tensor_is_finite           (SngTensor      *self);
SNG_AVAILABLE_IN_1_0
char           *sng_tensor_describe            (SngTensor      *self);

G_END_DECLS
