/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What the C files of the plug-in share: the device, the GPU under it, and their parts. */

#include "cuda/sng-cuda-private.h"

G_BEGIN_DECLS

typedef struct _SngCudaAllocator SngCudaAllocator;
typedef struct _SngCudaBlas      SngCudaBlas; /* sng-cuda-blas.c */
typedef struct _SngCudaGraphs    SngCudaGraphs;
typedef struct _SngCudaScratches SngCudaScratches;
typedef struct _SngCudaSlots     SngCudaSlots;
typedef struct _SngCudaStager    SngCudaStager; /* sng-cuda-stage.c */

/* sng-cuda-status.c */

/* FALSE, and an error that names place, GPU and status, unless that is cudaSuccess. */
gboolean    sng_cuda_check                  (cudaError_t        status,
                                             guint              gpu,
                                             const char        *place,
                                             GError           **error);
/* The same, with the place of what was queued last, if known: it is named where the status is of work that was queued before. */
gboolean    sng_cuda_check_after            (cudaError_t        status,
                                             guint              gpu,
                                             const char        *place,
                                             const char        *last,
                                             GError           **error);

/* sng-cuda-scope.c: what a device does for a caller, in whose thread it finds and leaves another current GPU as it was. A thread
 * that has used none keeps ours. And somebody else may capture a stream meanwhile, in a mode that forbids memory, queries and
 * more to all threads: what we do is no part of that, so it is allowed in between. Everything of SngDeviceClass is in a
 * scope, and what kernels call that is more than a launch. */
typedef struct
{
  gpointer                   context; /* the driver's; NULL: there was none */
  enum cudaStreamCaptureMode mode;
  gboolean                   is_relaxed;
} SngCudaScope;

SngCudaScope sng_cuda_scope_enter           (void);
void        sng_cuda_scope_leave            (SngCudaScope      *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngCudaScope, sng_cuda_scope_leave)

/* sng-cuda-gpu.c: what all devices of one GPU share. There is one for each GPU in use, until the process ends. */
typedef struct
{
  guint                 index;
  struct cudaDeviceProp properties;
  int                   driver_version;
  int                   runtime_version;
  SngCudaAllocator     *allocator;

  GMutex                mutex; /* for what follows */
  SngCudaBlas          *blas;  /* made and described by sng-cuda-blas.c when a product is first needed */
} SngCudaGpu;

SngCudaGpu *sng_cuda_gpu_get                (guint              index,
                                             GError           **error);

/* sng-cuda-allocator.c: a GPU's memory, in blocks that are kept when they are freed. A block is free from the moment on at
 * which what was put on its stream before is done. */
SngCudaAllocator *sng_cuda_allocator_new    (guint              gpu);
/* Uninitialised memory for what is put on the stream from now on. */
gpointer    sng_cuda_allocator_alloc        (SngCudaAllocator  *self,
                                             gsize              n_bytes,
                                             cudaStream_t       stream,
                                             GError           **error);
void        sng_cuda_allocator_free         (SngCudaAllocator  *self,
                                             gpointer           data,
                                             cudaStream_t       stream);

/* sng-cuda-slots.c: pinned memory of the host, through which small copies go and to which kernels write results. */
SngCudaSlots *sng_cuda_slots_new            (void);
void        sng_cuda_slots_free             (SngCudaSlots      *self);
#define SNG_CUDA_SLOT_BYTES (4u << 20) /* larger copies go without */
/* A slot of any size, which nothing on a stream uses any more; nor may it when the slot is put back. */
cudaError_t sng_cuda_slots_take             (SngCudaSlots      *self,
                                             gsize              n_bytes,
                                             SngCudaSlot      **slot);
void        sng_cuda_slots_put_back         (SngCudaSlots      *self,
                                             SngCudaSlot       *slot);
/* Puts the copy on the stream; the host's memory is free on return. */
cudaError_t sng_cuda_slots_upload           (SngCudaSlots      *self,
                                             gpointer           destination,
                                             gconstpointer      host,
                                             gsize              n_bytes,
                                             cudaStream_t       stream);
/* Waits for the stream. */
cudaError_t sng_cuda_slots_download         (SngCudaSlots      *self,
                                             gpointer           host,
                                             gconstpointer      source,
                                             gsize              n_bytes,
                                             cudaStream_t       stream);

/* sng-cuda-scratch.c: what sng_cuda_device_scratch() gives, on the stream of one device. */
SngCudaScratches *sng_cuda_scratches_new    (SngCudaGpu        *gpu,
                                             cudaStream_t       stream);
/* Called when the device ends, after all its work is done. */
void        sng_cuda_scratches_free         (SngCudaScratches  *self);

/* sng-cuda-device.c: a GPU and a stream. */
#define SNG_TYPE_CUDA_DEVICE (sng_cuda_device_get_type ())
G_DECLARE_FINAL_TYPE (SngCudaDevice, sng_cuda_device, SNG, CUDA_DEVICE, SngDevice)

struct _SngCudaDevice
{
  SngDevice      parent_instance;

  SngCudaGpu    *gpu;
  cudaStream_t   stream;
  gboolean       own_stream;

  SngCudaSlots     *slots;
  SngCudaGraphs    *graphs;
  SngCudaScratches *scratches;
  SngCudaStager    *stager; /* of sng-cuda-stage.c, which makes it when it is first needed; atomic */

  const char    *last;    /* the place of what was queued last; atomic */

  GMutex         mutex;   /* for what follows */
  GError        *failure; /* the first one */
};

SngDevice  *sng_cuda_device_new             (guint              index,
                                             guint64            stream,
                                             GError           **error);
/* FALSE, and a copy of the failure, where one was noted. */
gboolean    sng_cuda_device_get_failure     (SngCudaDevice     *self,
                                             GError           **error);

/* sng-cuda-stage.c */
gboolean    sng_cuda_stage                  (SngDevice         *device,
                                             gpointer           host,
                                             gconstpointer      source,
                                             gsize              n_bytes,
                                             GError           **error);
gboolean    sng_cuda_finish_stage           (SngDevice         *device,
                                             GError           **error);
gpointer    sng_cuda_alloc_staging          (SngDevice         *device,
                                             gsize              n_bytes,
                                             GError           **error);
void        sng_cuda_free_staging           (SngDevice         *device,
                                             gpointer           host,
                                             gsize              n_bytes);
/* Called when the device ends, after all its work is done. */
void        sng_cuda_stager_free            (SngCudaStager     *stager);

/* sng-cuda-run.c: what a device has recorded. */
SngCudaGraphs *sng_cuda_graphs_new          (SngCudaDevice     *device);
void        sng_cuda_graphs_free            (SngCudaGraphs     *self);
void        sng_cuda_run                    (SngDevice         *device,
                                             gconstpointer      key,
                                             gsize              key_size,
                                             SngDeviceFunc      func,
                                             gpointer           data);
/* Whether the calling thread is inside run; the scratch of that belongs to all graphs. */
gboolean    sng_cuda_graphs_is_running      (SngCudaGraphs     *self);
/* The stream that the calling thread records, NULL where it records none. */
cudaStream_t sng_cuda_graphs_get_recording  (SngCudaGraphs     *self);
/* A recording cannot be used: for a status that says so, or because scratch memory moved. */
void        sng_cuda_graphs_spoil           (SngCudaGraphs     *self);
/* Called by the thread inside run before scratch memory goes that graphs may have seen. */
void        sng_cuda_graphs_clear           (SngCudaGraphs     *self);

/* sng-cuda-math.c: the tables of kernels. */
const SngDeviceMath *sng_cuda_math_get      (void);

G_END_DECLS
