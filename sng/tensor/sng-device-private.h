/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device.h"
#include "tensor/sng-fingerprint-private.h"

G_BEGIN_DECLS

typedef struct _SngDeviceMath SngDeviceMath; /* the arithmetic of the reference engine: tensor/sng-device-math-private.h */

/* What a backend (CPU; later CUDA as a plug-in) fills. Pointers are device addresses. */
struct _SngDeviceClass
{
  GObjectClass parent_class;

  const char          *name; /* "cpu", "cuda" */
  const SngDeviceMath *math;

  gpointer (*alloc)     (SngDevice     *self,
                         gsize          n_bytes, /* zeroed, aligned to 64 bytes */
                         GError       **error);
  void     (*free)      (SngDevice     *self,
                         gpointer       data,
                         gsize          n_bytes);
  void     (*zero)      (SngDevice     *self,
                         gpointer       data,
                         gsize          n_bytes);
  void     (*copy)      (SngDevice     *self,
                         gpointer       destination,
                         gconstpointer  source,
                         gsize          n_bytes);
  gboolean (*upload)    (SngDevice     *self,
                         gpointer       destination,
                         gconstpointer  host,
                         gsize          n_bytes,
                         GError       **error);
  gboolean (*download)  (SngDevice     *self,
                         gpointer       host,
                         gconstpointer  source,
                         gsize          n_bytes,
                         GError       **error);
  /* Hashes (and, where summarize, summarises) n_bytes contiguous bytes. */
  void     (*fingerprint) (SngDevice    *self,
                           gconstpointer data,
                           gsize         n_bytes,
                           SngDtype      dtype,
                           gboolean      summarize,
                           SngBlockSums *sums);
};

struct _SngDevice
{
  GObject parent_instance;

  guint   n_threads;
};

G_END_DECLS
