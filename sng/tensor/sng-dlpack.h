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

SNG_AVAILABLE_IN_1_0
gpointer   sng_tensor_to_dlpack              (SngTensor  *self,
                                              gboolean    versioned,
                                              gboolean    copy,
                                              GError    **error);
SNG_AVAILABLE_IN_1_0
SngTensor *sng_tensor_new_from_dlpack        (gpointer    managed,
                                              gboolean    versioned,
                                              GError    **error);
SNG_AVAILABLE_IN_1_0
int        sng_tensor_get_dlpack_device      (SngTensor  *self,
                                              int        *id);
SNG_AVAILABLE_IN_1_0
gpointer   sng_tensor_to_dlpack_on           (SngTensor  *self,
                                              gboolean    versioned,
                                              gboolean    copy,
                                              gint64      stream,
                                              GError    **error);
SNG_AVAILABLE_IN_1_0
SngTensor *sng_tensor_new_from_dlpack_on     (gpointer    managed,
                                              gboolean    versioned,
                                              gint64      stream,
                                              GError    **error);
SNG_AVAILABLE_IN_1_0
gpointer   sng_dlpack_get_capsule_destructor (gpointer    is_valid,
                                              gpointer    get_pointer);

G_END_DECLS
