/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-diagnosis.h"

G_BEGIN_DECLS

SngDiagnosis *sng_diagnosis_new          (SngCause      cause,
                                          const char   *format,
                                          ...) G_GNUC_PRINTF (2, 3);
/* Appends a line of evidence, before anybody else sees the diagnosis. */
void          sng_diagnosis_add_evidence (SngDiagnosis *self,
                                          const char   *line);
/* Puts a sentence before that of the diagnosis, and in place of a cause that is none or a guess. */
void          sng_diagnosis_put_before   (SngDiagnosis *self,
                                          SngCause      cause,
                                          const char   *sentence);

G_END_DECLS
