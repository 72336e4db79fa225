/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state/sng-vfunc-private.h"

/*
 * Every caller passes an error of its own that is never NULL, so *error tells
 * whether the vfunc gave a reason. A reason that does not begin with a place,
 * such as an exception in JavaScript, gets one.
 */
gboolean
sng_vfunc_check_result (gpointer self, const char *vfunc, gboolean succeeded, GError **error)
{
  g_assert (error != NULL);

  if (succeeded && *error == NULL)
    return TRUE;

  if (*error == NULL)
    g_set_error (
        error, SNG_ERROR, SNG_ERROR_FAILED,
        "[vfunc] %s.%s failed without an error; in a binding, it raised an exception or returned nothing",
        G_OBJECT_TYPE_NAME (self), vfunc);
  else if ((*error)->message[0] != '[')
    g_prefix_error (error, "[vfunc] %s.%s: ", G_OBJECT_TYPE_NAME (self), vfunc);

  return FALSE;
}

gboolean
sng_vfunc_check_implemented (gpointer self, const char *vfunc, gboolean implemented, GError **error)
{
  if (implemented)
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED, "[vfunc] %s does not implement %s",
               G_OBJECT_TYPE_NAME (self), vfunc);

  return FALSE;
}
