/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-device-private.h"

#include <string.h>

/**
 * SngDevice:
 *
 * Where tensors live and where work on them is done.
 *
 * There is always the processor: [func@Device.get_default]. A program that wants
 * another number of threads makes a device of its own with
 * [ctor@Device.new_cpu] and hands it to what it creates. A GPU is had by its
 * name, with [ctor@Device.new].
 *
 * No result depends on the number of threads: work is cut into pieces of a
 * fixed size, and sums are taken in a fixed order.
 *
 * A GPU works by itself: a call puts work in order behind what came before, and
 * returns. Whoever reads values waits for them. What cannot say at once that it
 * failed is said by the next call that takes a #GError, and by all after it.
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

static gboolean
sng_device_real_lead (SngDevice *self, guint64 stream, GError **error)
{
  return TRUE;
}

static void
sng_device_real_follow (SngDevice *self, guint64 stream)
{
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
  klass->lead = sng_device_real_lead;
  klass->follow = sng_device_real_follow;
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

/**
 * sng_device_get_stream:
 * @self: a device
 *
 * The queue of @self's work, for libraries that put work of their own in order
 * with it: of a GPU its `cudaStream_t`, as a number.
 *
 * Returns: the stream; 0 where there is none
 *
 * Since: 1.0
 */
guint64
sng_device_get_stream (SngDevice *self)
{
  g_return_val_if_fail (SNG_IS_DEVICE (self), 0);

  return self->stream;
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  const char *a_key, *b_key;

  g_variant_get_child (*(GVariant *const *) a, 0, "&s", &a_key);
  g_variant_get_child (*(GVariant *const *) b, 0, "&s", &b_key);
  return strcmp (a_key, b_key);
}

/**
 * sng_device_describe:
 * @self: a device
 *
 * What @self's results depend on: names of hardware, versions of software,
 * settings. There is always `device`, its name with a number where there are
 * several of its kind (`cpu`, `cuda:0`). Two devices of equal descriptions
 * yield equal results.
 *
 * A GPU adds how it computes each kind of matrix product that there was so far
 * in the process.
 *
 * Returns: (transfer full): an `a{ss}`, sorted by its keys
 *
 * Since: 1.0
 */
GVariant *
sng_device_describe (SngDevice *self)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) values = NULL;
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  const SngDeviceClass *klass;
  g_autofree char *name = NULL;

  g_return_val_if_fail (SNG_IS_DEVICE (self), NULL);

  klass = SNG_DEVICE_GET_CLASS (self);
  name = klass->host ? g_strdup (klass->name) : g_strdup_printf ("%s:%u", klass->name, self->index);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", "device", name);
  klass->describe (self, &builder);

  values = g_variant_ref_sink (g_variant_builder_end (&builder));
  for (gsize i = 0; i < g_variant_n_children (values); i++)
    g_ptr_array_add (entries, g_variant_get_child_value (values, i));
  g_ptr_array_sort (entries, compare_keys);

  return g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE ("{ss}"), (GVariant *const *) entries->pdata, entries->len));
}
