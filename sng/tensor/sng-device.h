/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib-object.h>
#include "sng-version.h"

G_BEGIN_DECLS

#define SNG_TYPE_DEVICE (sng_device_get_type ())

/* Not derivable by users: the class struct, with the operations that a backend fills, is in sng-device-private.h. */
typedef struct _SngDevice      SngDevice;
typedef struct _SngDeviceClass SngDeviceClass;

SNG_AVAILABLE_IN_1_0
GType       sng_device_get_type      (void) G_GNUC_CONST;
SNG_AVAILABLE_IN_1_0
SngDevice  *sng_device_get_default   (void);
SNG_AVAILABLE_IN_1_0
SngDevice  *sng_device_new           (const char *name,
                                      GError    **error);
SNG_AVAILABLE_IN_1_0
SngDevice  *sng_device_new_cpu       (guint       n_threads);
SNG_AVAILABLE_IN_1_0
const char *sng_device_get_name      (SngDevice  *self);
SNG_AVAILABLE_IN_1_0
guint       sng_device_get_n_threads (SngDevice  *self);
SNG_AVAILABLE_IN_1_0
guint64     sng_device_get_stream    (SngDevice  *self);
SNG_AVAILABLE_IN_1_0
GVariant   *sng_device_describe      (SngDevice  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngDevice, g_object_unref)

G_END_DECLS
