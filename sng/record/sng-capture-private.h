/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-metadata.h"
#include "state/sng-state-dict.h"

G_BEGIN_DECLS

/* Whether the name of a captured tensor's file leads nowhere but below the directory that it is relative to. Links may still. */
gboolean      sng_capture_is_inside (const char   *capture);
/* What the captured tensor's file of @entry holds, in the run directory @directory; no link is followed below that. */
SngStateDict *sng_capture_load      (const char   *directory,
                                     SngMetadata  *entry,
                                     GError      **error);

G_END_DECLS
