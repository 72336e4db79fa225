/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-types.h"
#include "state/sng-state-dict.h"

G_BEGIN_DECLS

/* What everything has in common that watches a monitored value. */

/* Whether a is better than b, and not merely as good. What is no number is better than nothing, and nothing better than it. */
static inline gboolean
sng_monitor_is_better (SngMonitorMode mode,
                       double         a,
                       double         b)
{
  return mode == SNG_MONITOR_MODE_MIN ? a < b : a > b;
}

/* The settings as a state has them. */
static inline void
sng_monitor_set_state (SngStateDict   *state,
                       const char     *monitor,
                       SngMonitorMode  mode)
{
  sng_state_dict_set_value (state, "monitor", g_variant_new_string (monitor != NULL ? monitor : ""));
  sng_state_dict_set_value (state, "mode", g_variant_new_string (mode == SNG_MONITOR_MODE_MIN ? "min" : "max"));
}

G_END_DECLS
