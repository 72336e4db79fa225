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

/* Where elements are in a device's memory. */
typedef struct
{
  gconstpointer    data;
  const SngLayout *layout;
} SngRegion;

/* Begins a key of a device's description that is no property of the device, but something it chose when it first had to, such as the
 * algorithm of one kind of product. It keeps to that as long as the process lasts. */
#define SNG_DEVICE_CHOICE "cublaslt "

/* Calls kernels, and nothing else. */
typedef void (*SngDeviceFunc) (gpointer data);

/* What a backend (the CPU, or CUDA as a plug-in) fills. Pointers are device addresses; "host" ones are not. A range of
 * elements (first, n) counts in row-major order.
 *
 * What has a GError says whether it was done. What has none is put in order behind what came before, as the kernels are: a
 * backend that works by itself notes the first failure, and check and everything that has a GError return it from then on. */
struct _SngDeviceClass
{
  GObjectClass parent_class;

  const char          *name; /* "cpu", "cuda" */
  gboolean             host; /* whether device addresses are the host's */
  int                  dlpack_type; /* SngDlpackDeviceType of its memory; 0: it is not handed out */
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
  /* A download to memory that alloc_staging gave and that nobody reads before finish_stage returned, such as the copy
   * of a state that is to be saved. What is written to the source later waits for it. */
  gboolean (*stage)     (SngDevice     *self,
                         gpointer       host,
                         gconstpointer  source,
                         gsize          n_bytes,
                         GError       **error);
  /* Waits for what was staged before, in any thread. */
  gboolean (*finish_stage)  (SngDevice  *self,
                             GError    **error);
  gpointer (*alloc_staging) (SngDevice  *self,
                             gsize       n_bytes, /* aligned to 64 bytes */
                             GError    **error);
  void     (*free_staging)  (SngDevice  *self,
                             gpointer    host,
                             gsize       n_bytes);
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
  /* Hashes (and, where summarize, summarises) all elements of each of n tensors in row-major order. */
  void     (*fingerprint) (SngDevice         *self,
                           gsize              n,
                           const SngRegion   *elements,
                           gboolean           summarize,
                           SngBlockSums      *sums);

  /* The rest has defaults. run calls func (data); where func launches the same for equal keys, and reads all that differs from
   * the device's memory, a backend may launch what it has recorded instead. */
  void     (*run)      (SngDevice       *self,
                        gconstpointer    key,
                        gsize            key_size,
                        SngDeviceFunc    func,
                        gpointer         data);
  gboolean (*check)    (SngDevice       *self,
                        GError         **error);
  /* What somebody puts on another stream of the device from now on comes after what was put in order here before. */
  gboolean (*lead)     (SngDevice       *self,
                        guint64          stream,
                        GError         **error);
  /* The other way round: what is put in order here from now on comes after what is on that stream now. */
  void     (*follow)   (SngDevice       *self,
                        guint64          stream);
  /* Adds to a{ss} what its results depend on: hardware, versions, settings, and choices. */
  void     (*describe) (SngDevice       *self,
                        GVariantBuilder *builder);
};

struct _SngDevice
{
  GObject parent_instance;

  /* Set once, before anybody else sees the device. */
  guint   n_threads;
  guint   index;  /* which of its kind */
  guint64 stream; /* where its work is queued: a cudaStream_t, 0 where there is none */
};

/* What a plug-in exports as the function SNG_DEVICE_PLUGIN_ENTRY. */
#define SNG_DEVICE_PLUGIN_ENTRY "sng_device_plugin_get"

typedef struct
{
  const char *version; /* of the libsng that it was built with; another one's reads no further */

  /* With a stream of its own where stream is 0. */
  SngDevice *(*new_device) (guint    index,
                            guint64  stream,
                            GError **error);
} SngDevicePlugin;

typedef const SngDevicePlugin *(*SngDevicePluginEntry) (void);

/* The device of a GPU that works in order with somebody else's stream, which must outlive the process's use of it: there is
 * one for each GPU and stream, and it lives as long as the process. The default stream is 0 or, as in DLPack, 1. */
SngDevice *sng_device_new_on_stream (const char *name,
                                     guint64     stream,
                                     GError    **error);

/* The name as sng_device_describe() has it, the same for all names of a device: "cuda:0" for "cuda". Others are left as they are. */
char      *sng_device_resolve_name  (const char *name);

/* With a seed that is not 0, all devices of the processor run the chunks of their work in another order, and hold them up at
 * random from then on: a stress under which results stay as they are. */
void sng_device_set_jitter (guint64 seed);

G_END_DECLS
