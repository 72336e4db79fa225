/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-stateful.h"

G_BEGIN_DECLS

#define SNG_TYPE_RNG_STREAM (sng_rng_stream_get_type ())

/* A named counter-based stream: key = f (seed, purpose, rank), position = how many samples it has served. Draws for the
 * n-th sample are a pure function of (key, n, place), so they do not depend on the micro-batch plan. Stateful. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngRngStream, sng_rng_stream, SNG, RNG_STREAM, GObject)

SNG_AVAILABLE_IN_1_0
SngRngStream *sng_rng_stream_new          (guint64        seed,
                                           const char    *purpose,
                                           guint          rank);
SNG_AVAILABLE_IN_1_0
guint64       sng_rng_stream_get_key      (SngRngStream  *self);
SNG_AVAILABLE_IN_1_0
guint64       sng_rng_stream_get_position (SngRngStream  *self);
SNG_AVAILABLE_IN_1_0
void          sng_rng_stream_set_position (SngRngStream  *self,
                                           guint64        position);
SNG_AVAILABLE_IN_1_0
guint64       sng_rng_stream_advance      (SngRngStream  *self,
                                           guint64        n_samples);
SNG_AVAILABLE_IN_1_0
double        sng_rng_stream_uniform      (SngRngStream  *self,
                                           guint64        sample,
                                           guint32        place,
                                           guint32        lane);

G_END_DECLS
