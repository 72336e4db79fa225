/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "sng-types.h"

G_BEGIN_DECLS

#define SNG_TYPE_DIVERGENCE (sng_divergence_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngDivergence, sng_divergence, SNG, DIVERGENCE, GObject)

SNG_AVAILABLE_IN_1_0
const char *sng_divergence_get_metric      (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
SngStage    sng_divergence_get_stage       (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
guint64     sng_divergence_get_step        (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
gint64      sng_divergence_get_micro_batch (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
guint       sng_divergence_get_rank        (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
const char *sng_divergence_get_path        (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
SngMode     sng_divergence_get_mode        (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
const char *sng_divergence_get_expected    (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
const char *sng_divergence_get_actual      (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
char       *sng_divergence_dup_place       (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
const char *sng_divergence_get_detail      (SngDivergence *self);
SNG_AVAILABLE_IN_1_0
char       *sng_divergence_to_string       (SngDivergence *self);

G_END_DECLS
