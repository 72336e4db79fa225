/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <signal.h>

G_BEGIN_DECLS

/* The numbers of signals are below this. */
#define SNG_N_SIGNALS NSIG

/* "SIGTERM"; one without a name by its number. */
char     *sng_signal_to_name   (int         signal_number);
/* "SIGTERM", "term" or "15". */
gboolean  sng_signal_from_name (const char *name,
                                int        *signal_number);

G_END_DECLS
