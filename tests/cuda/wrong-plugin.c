/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-device-private.h"

/* A plug-in with something wrong about it. */

#ifndef ENTRY
# define ENTRY sng_device_plugin_get
#endif
#ifndef VERSION
# define VERSION SNG_VERSION_S
#endif

static SngDevice *
new_device (guint index, guint64 stream, GError **error)
{
  g_assert_not_reached (); /* it was to be refused */
}

static const SngDevicePlugin plugin = { .version = VERSION, .new_device = new_device };

_SNG_EXTERN const SngDevicePlugin *ENTRY (void);

const SngDevicePlugin *
ENTRY (void)
{
  return &plugin;
}
