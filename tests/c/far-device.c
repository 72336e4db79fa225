/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "far-device.h"

#include <string.h>

#include "sng-error.h"
#include "tensor/sng-device-private.h"

static int calls_to_failure = G_MAXINT;

static gboolean
is_done (GError **error)
{
  if (calls_to_failure-- != 0)
    return TRUE;

  g_set_error_literal (error, SNG_ERROR, SNG_ERROR_FAILED, "[far] lost");
  return FALSE;
}

typedef SngDevice FarDevice;
typedef SngDeviceClass FarDeviceClass;

static GType far_device_get_type (void);

G_DEFINE_TYPE (FarDevice, far_device, SNG_TYPE_DEVICE)

static gpointer
far_device_alloc (SngDevice *self, gsize n_bytes, GError **error)
{
  return (char *) g_malloc0 (n_bytes) + 1;
}

static void
far_device_free (SngDevice *self, gpointer data, gsize n_bytes)
{
  g_free ((char *) data - 1);
}

static gpointer
far_device_alloc_staging (SngDevice *self, gsize n_bytes, GError **error)
{
  return is_done (error) ? g_malloc (n_bytes) : NULL;
}

static void
far_device_free_staging (SngDevice *self, gpointer host, gsize n_bytes)
{
  g_free (host);
}

static gboolean
far_device_upload (SngDevice *self, gpointer destination, gconstpointer host, gsize n_bytes, GError **error)
{
  memcpy ((char *) destination - 1, host, n_bytes);
  return TRUE;
}

static gboolean
far_device_download (SngDevice *self, gpointer host, gconstpointer source, gsize n_bytes, GError **error)
{
  if (!is_done (error))
    return FALSE;

  memcpy (host, (const char *) source - 1, n_bytes);
  return TRUE;
}

static gboolean
far_device_finish_stage (SngDevice *self, GError **error)
{
  return is_done (error);
}

static void
far_device_fingerprint (SngDevice *self,
                        gsize n,
                        const SngRegion *elements,
                        gboolean summarize,
                        SngBlockSums *sums)
{
  memset (sums, 0, n * sizeof *sums);
}

static gboolean
far_device_check (SngDevice *self, GError **error)
{
  return is_done (error);
}

static void
far_device_class_init (FarDeviceClass *klass)
{
  klass->name = "far";
  klass->alloc = far_device_alloc;
  klass->free = far_device_free;
  klass->alloc_staging = far_device_alloc_staging;
  klass->free_staging = far_device_free_staging;
  klass->upload = far_device_upload;
  klass->download = far_device_download;
  klass->stage = far_device_download;
  klass->finish_stage = far_device_finish_stage;
  klass->fingerprint = far_device_fingerprint;
  klass->check = far_device_check;
}

static void
far_device_init (FarDevice *self)
{
}

SngDevice *
far_device_new (void)
{
  return g_object_new (far_device_get_type (), NULL);
}

void
far_device_fail (guint n_before)
{
  calls_to_failure = (int) n_before;
}

gboolean
far_device_has_failed (void)
{
  gboolean has_failed = calls_to_failure < 0;

  calls_to_failure = G_MAXINT;

  return has_failed;
}
