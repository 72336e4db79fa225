/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "train/sng-exponential-moving-average.h"

G_BEGIN_DECLS

/* Undoes sng_exponential_moving_average_attach(). */
void sng_exponential_moving_average_detach (SngExponentialMovingAverage  *self);

G_END_DECLS
