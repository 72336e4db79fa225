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

#define SNG_TYPE_SAMPLER (sng_sampler_get_type ())

/* The order of the samples: per epoch a permutation that is a pure function of (seed, epoch), and a cursor. Stateful. */
SNG_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (SngSampler, sng_sampler, SNG, SAMPLER, GObject)

SNG_AVAILABLE_IN_1_0
SngSampler *sng_sampler_new          (guint64      n_samples,
                                      guint64      seed,
                                      gboolean     shuffle);
SNG_AVAILABLE_IN_1_0
SngTensor  *sng_sampler_next         (SngSampler  *self,
                                      guint        n,
                                      GError     **error);
SNG_AVAILABLE_IN_1_0
guint64     sng_sampler_get_epoch    (SngSampler  *self);
SNG_AVAILABLE_IN_1_0
guint64     sng_sampler_get_position (SngSampler  *self);

G_END_DECLS
