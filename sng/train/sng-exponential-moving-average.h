/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"
#include <gio/gio.h>

G_BEGIN_DECLS

#define SNG_TYPE_EXPONENTIAL_MOVING_AVERAGE (sng_exponential_moving_average_get_type ())

/* Implements SngStateful: the average of every parameter under its name, and n_updates. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngExponentialMovingAverage, sng_exponential_moving_average, SNG, EXPONENTIAL_MOVING_AVERAGE, GObject)

SNG_AVAILABLE_IN_1_0
SngExponentialMovingAverage *sng_exponential_moving_average_new           (double                        decay);
SNG_AVAILABLE_IN_1_0
gboolean                     sng_exponential_moving_average_attach        (SngExponentialMovingAverage  *self,
                                                                           GListModel                   *parameters,
                                                                           GError                      **error);
SNG_AVAILABLE_IN_1_0
void                         sng_exponential_moving_average_update        (SngExponentialMovingAverage  *self);
SNG_AVAILABLE_IN_1_0
void                         sng_exponential_moving_average_exchange      (SngExponentialMovingAverage  *self);
SNG_AVAILABLE_IN_1_0
guint64                      sng_exponential_moving_average_get_n_updates (SngExponentialMovingAverage  *self);
SNG_AVAILABLE_IN_1_0
SngTensor                   *sng_exponential_moving_average_lookup        (SngExponentialMovingAverage  *self,
                                                                           const char                   *name);
SNG_AVAILABLE_IN_1_0
gboolean                     sng_exponential_moving_average_get_validate  (SngExponentialMovingAverage  *self);

G_END_DECLS
