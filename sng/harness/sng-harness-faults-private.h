/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-fault-result-private.h"
#include "harness/sng-fault-private.h"
#include "harness/sng-program-private.h"

G_BEGIN_DECLS

/* sng-harness-faults-judge.c: what became of a fault, in a run that followed on those of @before and was left after its last step.
 * *@outcome tells whether it could be planted at all. */
SngFaultResult *sng_harness_judge_fault (SngHarness       *self,
                                         GPtrArray        *before,
                                         SngRun           *run,
                                         SngFault         *fault,
                                         SngFaultOutcome  *outcome,
                                         GError          **error);
/* The same run without a fault: where it diverges, that a run with one does so tells nothing. */
SngReport      *sng_harness_judge_control (SngHarness     *self,
                                           GPtrArray      *before,
                                           SngRun         *run,
                                           GError        **error);

G_END_DECLS
