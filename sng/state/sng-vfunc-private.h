/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-error.h"
#include <glib-object.h>

G_BEGIN_DECLS

/* What a vfunc that a user wrote has left behind. An exception in a binding that is not a GLib.Error ends in NULL or FALSE with no error set:
 * that must not pass as an answer. */

/* Sets the error of a vfunc that failed without saying why. Returns whether the vfunc succeeded. */
gboolean sng_vfunc_check_result (gpointer     self,
                                 const char  *vfunc,
                                 gboolean     succeeded,
                                 GError     **error);
/* The same, for a vfunc that the type does not implement: sets an error and returns FALSE. */
gboolean sng_vfunc_check_implemented (gpointer     self,
                                      const char  *vfunc,
                                      gboolean     implemented,
                                      GError     **error);

G_END_DECLS
