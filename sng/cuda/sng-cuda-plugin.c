/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include "sng-version.h"

/* What libsng finds in the plug-in. */

_SNG_EXTERN const SngDevicePlugin *sng_device_plugin_get (void);

const SngDevicePlugin *
sng_device_plugin_get (void)
{
  static const SngDevicePlugin plugin = { .version = SNG_VERSION_S, .new_device = sng_cuda_device_new };

  return &plugin;
}
