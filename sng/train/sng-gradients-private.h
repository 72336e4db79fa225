/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "train/sng-parameter.h"

G_BEGIN_DECLS

/* All of these go over arrays of SngParameter in their order, and skip those without gradient. */

/* Whether the device can compute with every gradient. */
gboolean sng_gradients_check        (GPtrArray  *parameters,
                                     GError    **error);
/* The L2 norm of all gradients as one vector, summed in double in a fixed order. One that is not finite is an error that
 * names the parameter. */
gboolean sng_gradients_compute_norm (GPtrArray  *parameters,
                                     double     *norm,
                                     GError    **error);
void     sng_gradients_scale        (GPtrArray  *parameters,
                                     double      factor);

G_END_DECLS
