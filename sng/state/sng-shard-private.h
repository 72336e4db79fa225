/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-shard.h"

G_BEGIN_DECLS

/* "[2, 3] at [4, 0] of [8, 3]". */
char     *sng_shard_describe   (SngShard *self);
gboolean  sng_shard_same_whole (SngShard *a,
                                SngShard *b);
/* Of two of the same larger tensor: whether they have an element in common. */
gboolean  sng_shard_overlaps   (SngShard *a,
                                SngShard *b);

G_END_DECLS
