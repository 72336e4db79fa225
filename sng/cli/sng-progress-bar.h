/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One line on the standard error that grows and goes; nothing where that is no terminal. */
typedef struct _SngProgressBar SngProgressBar;

SngProgressBar *sng_progress_bar_new    (void);
void            sng_progress_bar_free   (SngProgressBar *self);
/* What is being done, and how much of everything is done: there the estimate comes from. */
void            sng_progress_bar_update (SngProgressBar *self,
                                         const char     *activity,
                                         guint64         done,
                                         guint64         total);
void            sng_progress_bar_clear  (SngProgressBar *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngProgressBar, sng_progress_bar_free)

G_END_DECLS
