/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-tensor-diff.h"
#include "state/sng-state-dict.h"

G_BEGIN_DECLS

/* What two dictionaries hold under one name, which at least one of them has. */
SngTensorDiff *sng_tensor_diff_new (const char    *shown_name,
                                    SngStateDict  *first,
                                    SngStateDict  *second,
                                    const char    *name,
                                    GError       **error);

G_END_DECLS
