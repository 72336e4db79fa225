/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "state/sng-state-dict.h"

G_BEGIN_DECLS

#define SNG_TYPE_STATEFUL (sng_stateful_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (SngStateful, sng_stateful, SNG, STATEFUL, GObject)

struct _SngStatefulInterface
{
  GTypeInterface parent_iface;

  SngStateDict *(*get_state)   (SngStateful  *self,
                                GError      **error);
  gboolean      (*check_state) (SngStateful  *self,
                                SngStateDict *state,
                                GError      **error);
  gboolean      (*set_state)   (SngStateful  *self,
                                SngStateDict *state,
                                GError      **error);
};

SNG_AVAILABLE_IN_1_0
SngStateDict *sng_stateful_get_state   (SngStateful   *self,
                                        GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_stateful_check_state (SngStateful   *self,
                                        SngStateDict  *state,
                                        GError       **error);
SNG_AVAILABLE_IN_1_0
gboolean      sng_stateful_set_state   (SngStateful   *self,
                                        SngStateDict  *state,
                                        GError       **error);

G_END_DECLS
