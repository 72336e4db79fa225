/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-device-private.h"

/**
 * SngDevice:
 *
 * Where tensors live and where work on them is done.
 *
 * There is always the processor: [func@Device.get_default]. A program that wants
 * another number of threads makes a device of its own with
 * [ctor@Device.new_cpu] and hands it to what it creates.
 *
 * No result depends on the number of threads: work is cut into pieces of a
 * fixed size, and sums are taken in a fixed order.
 *
 * A device may be used from several threads at once. Users cannot derive from
 * this class.
 *
 * Since: 1.0
 */

G_DEFINE_ABSTRACT_TYPE (SngDevice, sng_device, G_TYPE_OBJECT)

static void
sng_device_real_run (SngDevice *self, gconstpointer key, gsize key_size, SngDeviceFunc func, gpointer data)
{
  func (data);
}

static gboolean
sng_device_real_check (SngDevice *self, GError **error)
{
  return TRUE;
}

static void
sng_device_real_describe (SngDevice *self, GVariantBuilder *builder)
{
}

static void
sng_device_class_init (SngDeviceClass *klass)
{
  klass->run = sng_device_real_run;
  klass->check = sng_device_real_check;
  klass->describe = sng_device_real_describe;
}

static void
sng_device_init (SngDevice *self)
{
  self->n_threads = 1;
}

/**
 * sng_device_get_default:
 *
 * The device that is used where none is named: all processors that this
 * process may run on. It is made by the first call and lives as long as the
 * process.
 *
 * Returns: (transfer none): the default device
 *
 * Since: 1.0
 */
SngDevice *
sng_device_get_default (void)
{
  static gsize device = 0;

  if (g_once_init_enter (&device))
    g_once_init_leave (&device, (gsize) sng_device_new_cpu (0));

  return (SngDevice *) device;
}

/**
 * sng_device_get_name:
 * @self: a device
 *
 * The kind of device, such as `cpu`.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
sng_device_get_name (SngDevice *self)
{
  g_return_val_if_fail (SNG_IS_DEVICE (self), NULL);

  return SNG_DEVICE_GET_CLASS (self)->name;
}

/**
 * sng_device_get_n_threads:
 * @self: a device
 *
 * How many threads of the host work for @self, the calling one included.
 *
 * Returns: the number of threads, at least 1
 *
 * Since: 1.0
 */
guint
sng_device_get_n_threads (SngDevice *self)
{
  g_return_val_if_fail (SNG_IS_DEVICE (self), 1);

  return self->n_threads;
}
