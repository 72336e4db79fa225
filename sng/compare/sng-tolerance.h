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

#define SNG_TYPE_TOLERANCE (sng_tolerance_get_type ())

typedef struct _SngTolerance SngTolerance;

SNG_AVAILABLE_IN_1_0
GType         sng_tolerance_get_type (void) G_GNUC_CONST;
SNG_AVAILABLE_IN_1_0
SngTolerance *sng_tolerance_new      (double              atol,
                                      double              rtol);
SNG_AVAILABLE_IN_1_0
SngTolerance *sng_tolerance_copy     (const SngTolerance *self);
SNG_AVAILABLE_IN_1_0
void          sng_tolerance_free     (SngTolerance       *self);
SNG_AVAILABLE_IN_1_0
gboolean      sng_tolerance_is_exact (const SngTolerance *self);
SNG_AVAILABLE_IN_1_0
gboolean      sng_tolerance_accepts  (const SngTolerance *self,
                                      double              expected,
                                      double              actual);
SNG_AVAILABLE_IN_1_0
double        sng_tolerance_get_atol (const SngTolerance *self);
SNG_AVAILABLE_IN_1_0
double        sng_tolerance_get_rtol (const SngTolerance *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngTolerance, sng_tolerance_free)

G_END_DECLS
