/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-fault-result.h"

G_BEGIN_DECLS

/* A fault that was planted and, until something says otherwise, missed. @title: a sentence, or NULL; @state: what it damages,
 * such as "optimizer", or NULL. */
SngFaultResult *sng_fault_result_new                   (const char     *id,
                                                        const char     *title,
                                                        const char     *state,
                                                        SngCause        expected_cause);
/* Nothing was lost, or the training has nothing that could be. */
void            sng_fault_result_set_not_planted       (SngFaultResult *self,
                                                        const char     *reason);
void            sng_fault_result_set_detected          (SngFaultResult *self,
                                                        const char     *metric,
                                                        gint64          step);
/* It was found without a comparison: by what of the run failed. */
void            sng_fault_result_set_failed            (SngFaultResult *self,
                                                        const char     *found_by);
void            sng_fault_result_set_diagnosis         (SngFaultResult *self,
                                                        SngCause        cause,
                                                        const char     *sentence);
void            sng_fault_result_set_found_by_original (SngFaultResult *self,
                                                        gboolean        found_by_original);

G_END_DECLS
