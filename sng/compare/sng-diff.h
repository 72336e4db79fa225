/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "compare/sng-tensor-diff.h"
#include "state/sng-checkpoint.h"
#include "state/sng-state-dict.h"

G_BEGIN_DECLS

SNG_AVAILABLE_IN_1_0
GListModel *sng_diff_state_dicts (SngStateDict   *first,
                                  SngStateDict   *second,
                                  GError        **error);
SNG_AVAILABLE_IN_1_0
GListModel *sng_diff_checkpoints (SngCheckpoint  *first,
                                  SngCheckpoint  *second,
                                  GError        **error);
SNG_AVAILABLE_IN_1_0
GListModel *sng_diff_files       (const char     *first,
                                  const char     *second,
                                  GError        **error);

G_END_DECLS
