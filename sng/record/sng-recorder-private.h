/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-recorder.h"
#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* What it writes captured tensors to. */
SngStorage **sng_recorder_get_storage (SngRecorder *self);
/* Keeps whole what the metric has at one place; in place of an earlier call's. */
void sng_recorder_capture_place (SngRecorder *self,
                                 const char  *metric,
                                 const char  *path,
                                 guint64      step);

G_END_DECLS
