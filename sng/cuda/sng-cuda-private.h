/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* What all files of the plug-in share, C and kernels. A kernel's launcher has one stream to put its work on, the device's
 * memory to work in, and nobody to return an error to: it notes what failed, and the next call that can says so.
 *
 * Any thread may call any of these. */

#include <cuda_runtime_api.h>

#include "tensor/sng-device-math-private.h"

G_BEGIN_DECLS

/* Makes the device's GPU the current one of the calling thread, and returns the stream for what is launched next. */
cudaStream_t  sng_cuda_device_enter            (SngDevice      *device);

/* Of what puts work on the stream. Notes a failure; place, which is static, is such as "[cuda][layer-norm]". TRUE where there
 * is none. Only the first is kept, and returned by all that can fail from then on. */
gboolean      sng_cuda_device_check            (SngDevice      *device,
                                                cudaError_t     status,
                                                const char     *place);
/* The same of what puts none. */
gboolean      sng_cuda_device_check_call       (SngDevice      *device,
                                                cudaError_t     status,
                                                const char     *place);
/* The same for what is no status of the runtime; takes the error. */
void          sng_cuda_device_fail             (SngDevice      *device,
                                                GError         *error);

typedef enum
{
  SNG_CUDA_SCRATCH_KERNEL,
  SNG_CUDA_SCRATCH_PRODUCT,     /* cuBLASLt's workspace */
  SNG_CUDA_SCRATCH_REAL,        /* a whole product, which an elementwise kernel then reads */
  SNG_CUDA_SCRATCH_FINGERPRINT,
  SNG_CUDA_SCRATCH_ARGUMENTS,   /* of sng_cuda_device_upload_arguments() */
  SNG_CUDA_N_SCRATCHES
} SngCudaScratch;

/* Device memory, uninitialised, aligned to 256 bytes, for what this thread launches before it asks for the same use again.
 * NULL after a failure, which is noted: who gets it launches nothing. */
gpointer      sng_cuda_device_scratch          (SngDevice      *device,
                                                SngCudaScratch  use,
                                                gsize           n_bytes);

/* A copy in device memory, valid like scratch; the host's memory is free on return. Not inside run. */
gconstpointer sng_cuda_device_upload_arguments (SngDevice      *device,
                                                gconstpointer   host,
                                                gsize           n_bytes);

/* Pinned memory of the host, uninitialised, for results that a kernel writes and the host reads after sng_cuda_device_wait(). NULL
 * after a failure, which is noted: who gets it launches nothing. Until it is returned the thread uploads nothing and takes no other,
 * for there are few. Not inside run. */
typedef struct _SngCudaSlot SngCudaSlot;

SngCudaSlot  *sng_cuda_device_take_slot        (SngDevice      *device,
                                                gsize           n_bytes);
gpointer      sng_cuda_slot_get_data           (SngCudaSlot    *slot);
void          sng_cuda_device_return_slot      (SngDevice      *device,
                                                SngCudaSlot    *slot);
/* Waits for what is on the stream. After that the host sees what kernels have stored in its memory, for the end of a kernel is a fence
 * for the whole system. FALSE after a failure, which is noted. */
gboolean      sng_cuda_device_wait             (SngDevice      *device,
                                                const char     *place);

/* Called before something is put on the device's stream that writes to what a state may have in it: lets the stream, and not
 * the host, wait for the copies of that memory which stage has under way. Not inside run, where no state is written. */
void          sng_cuda_before_write            (SngDevice      *device,
                                                gconstpointer   data,
                                                gsize           n_bytes);
/* The same for what writes to all of a state. */
void          sng_cuda_before_update           (SngDevice      *device);

/* sng-cuda-fingerprint.cu, sng-cuda-strided.cu */
void          sng_cuda_fingerprint             (SngDevice         *device,
                                                gsize              n,
                                                const SngRegion   *elements,
                                                gboolean           summarize,
                                                SngBlockSums      *sums);
void          sng_cuda_gather                  (SngDevice       *device,
                                                gpointer         destination,
                                                gconstpointer    source,
                                                const SngLayout *layout,
                                                gint64           first,
                                                gint64           n);
void          sng_cuda_scatter                 (SngDevice       *device,
                                                gpointer         destination,
                                                const SngLayout *layout,
                                                gconstpointer    source,
                                                gint64           first,
                                                gint64           n);

/* Each family of kernels fills its fields in the tables. */
void          sng_cuda_add_layer_norm          (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_elementwise         (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_embedding           (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_cross_entropy       (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_optimizer           (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_linear              (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);
void          sng_cuda_add_attention           (SngKernels      *f32,
                                                SngKernels      *bf16,
                                                SngKernels      *f16);

G_END_DECLS
