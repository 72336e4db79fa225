/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

/* The values of a state are of two kinds: settings, which a checkpoint and the run that restores it must share, and those that change from
 * step to step. */

/* Whether @state has the names of @own, no more and no less, and the same value under each that is not in the NULL-terminated @varying.
 * Tensors must have the same layout. @place begins the error's message. */
gboolean sng_settings_check      (SngStateDict       *state,
                                  SngStateDict       *own,
                                  const char         *place,
                                  const char *const  *varying,
                                  GError            **error);
/* A count, whichever integer type a language or a file gave it. */
gboolean sng_settings_get_uint64 (SngStateDict       *state,
                                  const char         *place,
                                  const char         *name,
                                  guint64            *value,
                                  GError            **error);
/* A finite value from 0, under "learning_rate". */
gboolean sng_settings_get_learning_rate (SngStateDict  *state,
                                         const char    *place,
                                         double        *value,
                                         GError       **error);

G_END_DECLS
