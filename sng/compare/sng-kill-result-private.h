/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-kill-result.h"

G_BEGIN_DECLS

#define SNG_N_KILL_OUTCOMES (SNG_KILL_OUTCOME_SILENT_DIVERGENCE + 1)

/* A kill before operation @number, @operation on @path, and @other where it is one of two files, or NULL. */
SngKillResult *sng_kill_result_new         (guint64         number,
                                            const char     *operation,
                                            const char     *path,
                                            const char     *other);
/* @detail: what it is known by, or NULL */
void           sng_kill_result_set_outcome (SngKillResult  *self,
                                            SngKillOutcome  outcome,
                                            const char     *detail);
/* "12 rename a.tmp to a" */
char          *sng_kill_result_dup_place   (SngKillResult  *self);
/* What the verdict on the whole takes it for. */
SngVerdict     sng_kill_result_get_verdict (SngKillResult  *self);

G_END_DECLS
