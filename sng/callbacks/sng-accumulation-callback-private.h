/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "callbacks/sng-callback.h"

G_BEGIN_DECLS

#define SNG_ACCUMULATION_METRIC "Accumulation"

#define SNG_TYPE_ACCUMULATION_CALLBACK (sng_accumulation_callback_get_type ())

/* Records what one step makes of its micro-batches, whole: the metric "Accumulation", by which two plans of micro-batches are
 * compared. Its paths are
 *
 *   at a micro-batch   learning-rate, loss, n_targets, state (a fingerprint of optimizer and weights), gradient (the sum
 *                      so far)
 *   after a step (-1)  learning-rate, loss, gradient-norm, schedule/KEY, gradient, optimizer/KEY, weight
 *   at the start (-1)  weight, parameters: a(sxd), the name of each, its number of elements, and the distance from 1 to the
 *                      next number of its type
 *
 * A tensor has the elements of all parameters that have a gradient, one after the other, as f64. Of the optimizer's state
 * those are recorded that each of them has one of. A batch without n_targets has none recorded. */
G_DECLARE_FINAL_TYPE (SngAccumulationCallback, sng_accumulation_callback, SNG, ACCUMULATION_CALLBACK, SngCallback)

SngCallback *sng_accumulation_callback_new (void);

G_END_DECLS
