/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-device.h"
#include "tensor/sng-fingerprint-private.h"

G_BEGIN_DECLS

#define SNG_DEVICE(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), SNG_TYPE_DEVICE, SngDevice))
#define SNG_IS_DEVICE(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), SNG_TYPE_DEVICE))
#define SNG_DEVICE_GET_CLASS(object) (G_TYPE_INSTANCE_GET_CLASS ((object), SNG_TYPE_DEVICE, SngDeviceClass))

typedef struct _SngDeviceMath SngDeviceMath; /* the arithmetic of the reference engine: tensor/sng-device-math-private.h */

/* How elements lie in memory. Strides are in elements and may be negative or 0. */
typedef struct
{
  SngDtype      dtype;
  guint         n_dims;
  const gint64 *shape;
  const gint64 *strides;
  gint64        n_elements;
  gboolean      contiguous; /* row-major without gaps */
} SngLayout;

/* What a backend (CPU; later CUDA as a plug-in) fills. Pointers are device addresses; "host" ones are not. A range of
 * elements (first, n) counts in row-major order. */
struct _SngDeviceClass
{
  GObjectClass parent_class;

  const char          *name; /* "cpu", "cuda" */
  gboolean             host; /* whether device addresses are the host's */
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
  /* A download to memory that nobody reads soon, such as the copy of a state that is to be saved. */
  gboolean (*stage)     (SngDevice     *self,
                         gpointer       host,
                         gconstpointer  source,
                         gsize          n_bytes,
                         GError       **error);
  /* From elements of any layout to a contiguous block, and back. */
  void     (*gather)    (SngDevice       *self,
                         gpointer         destination,
                         gconstpointer    source,
                         const SngLayout *layout,
                         gint64           first,
                         gint64           n);
  void     (*scatter)   (SngDevice       *self,
                         gpointer         destination,
                         const SngLayout *layout,
                         gconstpointer    source,
                         gint64           first,
                         gint64           n);
  /* Hashes (and, where summarize, summarises) all elements in row-major order. */
  void     (*fingerprint) (SngDevice       *self,
                           gconstpointer    data,
                           const SngLayout *layout,
                           gboolean         summarize,
                           SngBlockSums    *sums);
};

struct _SngDevice
{
  GObject parent_instance;

  guint   n_threads; /* set once, before anybody else sees the device */
};

/* With a seed that is not 0, all devices of the processor run the chunks of their work in another order, and hold them up at
 * random from then on: a stress under which results stay as they are. */
void sng_device_set_jitter (guint64 seed);

G_END_DECLS
