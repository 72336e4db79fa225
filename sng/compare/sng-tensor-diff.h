/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib-object.h>
#include "sng-version.h"

G_BEGIN_DECLS

typedef enum
{
  SNG_DIFF_EQUAL,
  SNG_DIFF_ELEMENTS,
  SNG_DIFF_LAYOUT,
  SNG_DIFF_ONLY_IN_FIRST,
  SNG_DIFF_ONLY_IN_SECOND
} SngDiffKind;

#define SNG_TYPE_TENSOR_DIFF (sng_tensor_diff_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngTensorDiff, sng_tensor_diff, SNG, TENSOR_DIFF, GObject)

SNG_AVAILABLE_IN_1_0
const char   *sng_tensor_diff_get_name           (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
SngDiffKind   sng_tensor_diff_get_kind           (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
guint64       sng_tensor_diff_get_n_elements     (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
guint64       sng_tensor_diff_get_n_different    (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
const gint64 *sng_tensor_diff_get_first_index    (SngTensorDiff *self,
                                                  guint         *n_dims);
SNG_AVAILABLE_IN_1_0
const char   *sng_tensor_diff_get_first          (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
const char   *sng_tensor_diff_get_second         (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
const char   *sng_tensor_diff_get_first_bits     (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
const char   *sng_tensor_diff_get_second_bits    (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
const guint64 *sng_tensor_diff_get_histogram     (SngTensorDiff *self,
                                                  guint         *n_decades);
SNG_AVAILABLE_IN_1_0
guint64       sng_tensor_diff_get_n_unordered    (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
guint64       sng_tensor_diff_get_first_distance (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
guint64       sng_tensor_diff_get_max_distance   (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
double        sng_tensor_diff_get_max_difference (SngTensorDiff *self);
SNG_AVAILABLE_IN_1_0
char         *sng_tensor_diff_to_string          (SngTensorDiff *self);

G_END_DECLS
