/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include "callbacks/sng-callback.h"

G_BEGIN_DECLS

#define SNG_TYPE_STATE_CALLBACK (sng_state_callback_get_type ())

SNG_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (SngStateCallback, sng_state_callback, SNG, STATE_CALLBACK, SngCallback)

struct _SngStateCallbackClass
{
  SngCallbackClass parent_class;

  gboolean (*record) (SngStateCallback  *self,
                      SngTrainer        *trainer,
                      guint64            step,
                      GError           **error);

  gpointer _reserved[8];
};

G_END_DECLS
