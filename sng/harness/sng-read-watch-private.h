/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Notices whether any of the files that are below a directory now is read later on. */
typedef struct _SngReadWatch SngReadWatch;

/* NULL where the system cannot watch it. */
SngReadWatch *sng_read_watch_new      (const char   *directory);
void          sng_read_watch_free     (SngReadWatch *self);
/* Whether one was opened for reading alone, and closed since. */
gboolean      sng_read_watch_has_read (SngReadWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngReadWatch, sng_read_watch_free)

G_END_DECLS
