/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "sng-types.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

#define SNG_TYPE_METADATA (sng_metadata_get_type ())

typedef struct _SngMetadata SngMetadata;

SNG_AVAILABLE_IN_1_0
GType        sng_metadata_get_type        (void) G_GNUC_CONST;
SNG_AVAILABLE_IN_1_0
SngMetadata *sng_metadata_new             (GVariant           *entry,
                                           GError            **error);
SNG_AVAILABLE_IN_1_0
SngMetadata *sng_metadata_ref             (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
void         sng_metadata_unref           (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
GVariant    *sng_metadata_to_variant      (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
const char  *sng_metadata_get_metric      (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
SngStage     sng_metadata_get_stage       (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
guint64      sng_metadata_get_step        (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
gint64       sng_metadata_get_micro_batch (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
guint        sng_metadata_get_rank        (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
const char  *sng_metadata_get_path        (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
GVariant    *sng_metadata_get_value       (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_metadata_is_tensor       (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
SngDtype     sng_metadata_get_dtype       (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
const gint64 *sng_metadata_get_shape      (SngMetadata        *self,
                                           guint              *n_dims);
SNG_AVAILABLE_IN_1_0
const char  *sng_metadata_get_fingerprint (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
void         sng_metadata_get_summary     (SngMetadata        *self,
                                           double             *minimum,
                                           double             *maximum,
                                           double             *mean,
                                           guint64            *n_non_finite);
SNG_AVAILABLE_IN_1_0
const char  *sng_metadata_get_capture     (SngMetadata        *self);
SNG_AVAILABLE_IN_1_0
gboolean     sng_metadata_equal           (SngMetadata        *a,
                                           SngMetadata        *b);
SNG_AVAILABLE_IN_1_0
char        *sng_metadata_describe        (SngMetadata        *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngMetadata, sng_metadata_unref)

G_END_DECLS
