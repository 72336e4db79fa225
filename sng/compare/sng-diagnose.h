/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-diagnosis.h"
#include "compare/sng-report.h"
#include "record/sng-run-store.h"

G_BEGIN_DECLS

SNG_AVAILABLE_IN_1_0
SngDiagnosis *sng_diagnose_report (SngReport    *report,
                                   SngRunStore  *continuous,
                                   GPtrArray    *segments);

G_END_DECLS
