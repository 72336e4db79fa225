/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-metric-result.h"

G_BEGIN_DECLS

SngMetricResult *sng_metric_result_new (const char    *name,
                                        SngVerdict     verdict,
                                        guint64        compared,
                                        guint64        n_different,
                                        SngDivergence *first_divergence,
                                        const char    *reason);

G_END_DECLS
