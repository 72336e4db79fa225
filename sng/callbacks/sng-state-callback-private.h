/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "callbacks/sng-state-callback.h"

G_BEGIN_DECLS

/* Records the state of one part of the training; @part is an SngStateful or FALSE is returned with an error. */
gboolean sng_state_callback_record_part (SngStateCallback  *self,
                                         gpointer           part,
                                         const char        *prefix,
                                         guint64            step,
                                         GError           **error);

G_END_DECLS
