/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* The part of the CUDA runtime that the backend uses, with the names and values of CUDA 13.0, as the emulator offers it
 * (README.md). The test cuda-emulator-values holds the values against NVIDIA's header where there is one. */

#include <stddef.h>

#define CUDART_VERSION 13000
#define SNG_EMULATOR_API __attribute__ ((visibility ("default")))

/* name, value, text */
#define SNG_EMULATOR_ERRORS(ERROR) \
  ERROR (cudaSuccess, 0, "no error") \
  ERROR (cudaErrorInvalidValue, 1, "invalid argument") \
  ERROR (cudaErrorMemoryAllocation, 2, "out of memory") \
  ERROR (cudaErrorInitializationError, 3, "initialization error") \
  ERROR (cudaErrorCudartUnloading, 4, "driver shutting down") \
  ERROR (cudaErrorInvalidConfiguration, 9, "invalid configuration argument") \
  ERROR (cudaErrorInvalidPitchValue, 12, "invalid pitch argument") \
  ERROR (cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy") \
  ERROR (cudaErrorInsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime version") \
  ERROR (cudaErrorInvalidDeviceFunction, 98, "invalid device function") \
  ERROR (cudaErrorNoDevice, 100, "no CUDA-capable device is detected") \
  ERROR (cudaErrorInvalidDevice, 101, "invalid device ordinal") \
  ERROR (cudaErrorNoKernelImageForDevice, 209, "no kernel image is available for execution on the device") \
  ERROR (cudaErrorECCUncorrectable, 214, "uncorrectable ECC error encountered") \
  ERROR (cudaErrorInvalidResourceHandle, 400, "invalid resource handle") \
  ERROR (cudaErrorNotReady, 600, "device not ready") \
  ERROR (cudaErrorIllegalAddress, 700, "an illegal memory access was encountered") \
  ERROR (cudaErrorLaunchOutOfResources, 701, "too many resources requested for launch") \
  ERROR (cudaErrorLaunchTimeout, 702, "the launch timed out and was terminated") \
  ERROR (cudaErrorAssert, 710, "device-side assert triggered") \
  ERROR (cudaErrorHardwareStackError, 714, "hardware stack error") \
  ERROR (cudaErrorIllegalInstruction, 715, "an illegal instruction was encountered") \
  ERROR (cudaErrorMisalignedAddress, 716, "misaligned address") \
  ERROR (cudaErrorInvalidAddressSpace, 717, "operation not supported on global/shared address space") \
  ERROR (cudaErrorInvalidPc, 718, "invalid program counter") \
  ERROR (cudaErrorLaunchFailure, 719, "unspecified launch failure") \
  ERROR (cudaErrorNotPermitted, 800, "operation not permitted") \
  ERROR (cudaErrorNotSupported, 801, "operation not supported") \
  ERROR (cudaErrorSystemNotReady, 802, "system not yet initialized") \
  ERROR (cudaErrorStreamCaptureUnsupported, 900, "operation not permitted when stream is capturing") \
  ERROR (cudaErrorStreamCaptureInvalidated, 901, "operation failed due to a previous error during capture") \
  ERROR (cudaErrorStreamCaptureMerge, 902, "operation would result in a merge of separate capture sequences") \
  ERROR (cudaErrorStreamCaptureUnmatched, 903, "capture was not ended in the same stream as it began") \
  ERROR (cudaErrorStreamCaptureUnjoined, 904, "capturing stream has unjoined work") \
  ERROR (cudaErrorStreamCaptureIsolation, 905, "dependency created on uncaptured work in another stream") \
  ERROR (cudaErrorStreamCaptureImplicit, 906, "operation would make the legacy stream depend on a capturing blocking stream") \
  ERROR (cudaErrorCapturedEvent, 907, "operation not permitted on an event last recorded in a capturing stream") \
  ERROR (cudaErrorStreamCaptureWrongThread, 908, "attempt to terminate a thread-local capture sequence from another thread") \
  ERROR (cudaErrorGraphExecUpdateFailure, 910, "the graph update was not performed because it included changes which violated constraints specific to instantiated graph update") \
  ERROR (cudaErrorUnknown, 999, "unknown error")

#define SNG_EMULATOR_ERROR_VALUE(name, value, text) name = value,
typedef enum cudaError
{
  SNG_EMULATOR_ERRORS (SNG_EMULATOR_ERROR_VALUE)
} cudaError_t;
#undef SNG_EMULATOR_ERROR_VALUE

enum cudaMemcpyKind
{
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};

enum cudaMemoryType
{
  cudaMemoryTypeUnregistered = 0,
  cudaMemoryTypeHost = 1,
  cudaMemoryTypeDevice = 2,
  cudaMemoryTypeManaged = 3
};

enum cudaFuncAttribute
{
  cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
  cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

enum cudaStreamCaptureStatus
{
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2
};

enum cudaStreamCaptureMode
{
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2
};

enum cudaDeviceAttr
{
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};

#define cudaHostAllocDefault 0x00
#define cudaHostAllocPortable 0x01
#define cudaHostAllocMapped 0x02
#define cudaHostAllocWriteCombined 0x04
#define cudaStreamDefault 0x00
#define cudaStreamNonBlocking 0x01
#define cudaStreamLegacy ((cudaStream_t) 0x1)
#define cudaStreamPerThread ((cudaStream_t) 0x2)
#define cudaEventDefault 0x00
#define cudaEventBlockingSync 0x01
#define cudaEventDisableTiming 0x02
#define cudaEventInterprocess 0x04
#define cudaEventRecordDefault 0x00
#define cudaEventWaitDefault 0x00

typedef struct CUuuid_st
{
  char bytes[16];
} cudaUUID_t;

/* The fields that somebody reads; the order and the size are not NVIDIA's. */
struct cudaDeviceProp
{
  char       name[256];
  cudaUUID_t uuid;
  size_t     totalGlobalMem;
  size_t     sharedMemPerBlock;
  size_t     sharedMemPerBlockOptin;
  size_t     sharedMemPerMultiprocessor;
  int        regsPerBlock;
  int        warpSize;
  int        maxThreadsPerBlock;
  int        major;
  int        minor;
  int        multiProcessorCount;
  int        concurrentKernels;
  int        asyncEngineCount;
  int        ECCEnabled;
  int        integrated;
  int        unifiedAddressing;
  int        memoryBusWidth;
  int        l2CacheSize;
  int        pciDomainID;
  int        pciBusID;
  int        pciDeviceID;
};

struct cudaPointerAttributes
{
  enum cudaMemoryType type;
  int                 device;
  void               *devicePointer;
  void               *hostPointer;
};

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;
typedef struct CUgraphNode_st *cudaGraphNode_t;
typedef void (*cudaHostFn_t) (void *data);

#ifdef __cplusplus
extern "C" {
# define SNG_EMULATOR_DEFAULT(value) = value
#else
# define SNG_EMULATOR_DEFAULT(value)
#endif

/* devices */
SNG_EMULATOR_API cudaError_t cudaGetDeviceCount (int *count);
SNG_EMULATOR_API cudaError_t cudaSetDevice (int device);
SNG_EMULATOR_API cudaError_t cudaGetDevice (int *device);
SNG_EMULATOR_API cudaError_t cudaGetDeviceProperties (struct cudaDeviceProp *properties, int device);
SNG_EMULATOR_API cudaError_t cudaDeviceGetAttribute (int *value, enum cudaDeviceAttr attribute, int device);
SNG_EMULATOR_API cudaError_t cudaDeviceGetPCIBusId (char *id, int length, int device);
SNG_EMULATOR_API cudaError_t cudaDeviceGetStreamPriorityRange (int *least, int *greatest);
SNG_EMULATOR_API cudaError_t cudaDeviceSynchronize (void);
SNG_EMULATOR_API cudaError_t cudaDriverGetVersion (int *version);
SNG_EMULATOR_API cudaError_t cudaRuntimeGetVersion (int *version);
SNG_EMULATOR_API cudaError_t cudaFuncSetAttribute (const void *function, enum cudaFuncAttribute attribute, int value);

/* errors */
SNG_EMULATOR_API cudaError_t cudaGetLastError (void);
SNG_EMULATOR_API cudaError_t cudaPeekAtLastError (void);
SNG_EMULATOR_API const char *cudaGetErrorName (cudaError_t error);
SNG_EMULATOR_API const char *cudaGetErrorString (cudaError_t error);

/* memory */
SNG_EMULATOR_API cudaError_t cudaMalloc (void **pointer, size_t n_bytes);
SNG_EMULATOR_API cudaError_t cudaFree (void *pointer);
SNG_EMULATOR_API cudaError_t cudaMallocHost (void **pointer, size_t n_bytes);
SNG_EMULATOR_API cudaError_t cudaHostAlloc (void **pointer, size_t n_bytes, unsigned int flags);
SNG_EMULATOR_API cudaError_t cudaFreeHost (void *pointer);
SNG_EMULATOR_API cudaError_t cudaMemGetInfo (size_t *n_free, size_t *total);
SNG_EMULATOR_API cudaError_t cudaPointerGetAttributes (struct cudaPointerAttributes *attributes, const void *pointer);
SNG_EMULATOR_API cudaError_t cudaMemcpy (void *to, const void *from, size_t n_bytes, enum cudaMemcpyKind kind);
SNG_EMULATOR_API cudaError_t cudaMemcpyAsync (void *to, const void *from, size_t n_bytes,
                                              enum cudaMemcpyKind kind,
                                              cudaStream_t stream SNG_EMULATOR_DEFAULT (NULL));
SNG_EMULATOR_API cudaError_t cudaMemcpy2DAsync (void *to, size_t to_pitch, const void *from,
                                                size_t from_pitch, size_t width, size_t height,
                                                enum cudaMemcpyKind kind,
                                                cudaStream_t stream SNG_EMULATOR_DEFAULT (NULL));
SNG_EMULATOR_API cudaError_t cudaMemset (void *to, int value, size_t n_bytes);
SNG_EMULATOR_API cudaError_t cudaMemsetAsync (void *to, int value, size_t n_bytes,
                                              cudaStream_t stream SNG_EMULATOR_DEFAULT (NULL));

/* streams and events */
SNG_EMULATOR_API cudaError_t cudaStreamCreate (cudaStream_t *stream);
SNG_EMULATOR_API cudaError_t cudaStreamCreateWithFlags (cudaStream_t *stream, unsigned int flags);
SNG_EMULATOR_API cudaError_t cudaStreamCreateWithPriority (cudaStream_t *stream, unsigned int flags, int priority);
SNG_EMULATOR_API cudaError_t cudaStreamDestroy (cudaStream_t stream);
SNG_EMULATOR_API cudaError_t cudaStreamSynchronize (cudaStream_t stream);
SNG_EMULATOR_API cudaError_t cudaStreamQuery (cudaStream_t stream);
SNG_EMULATOR_API cudaError_t cudaStreamWaitEvent (cudaStream_t stream, cudaEvent_t event,
                                                  unsigned int flags SNG_EMULATOR_DEFAULT (0));
SNG_EMULATOR_API cudaError_t cudaEventCreate (cudaEvent_t *event);
SNG_EMULATOR_API cudaError_t cudaEventCreateWithFlags (cudaEvent_t *event, unsigned int flags);
SNG_EMULATOR_API cudaError_t cudaEventRecord (cudaEvent_t event, cudaStream_t stream SNG_EMULATOR_DEFAULT (NULL));
SNG_EMULATOR_API cudaError_t cudaEventSynchronize (cudaEvent_t event);
SNG_EMULATOR_API cudaError_t cudaEventQuery (cudaEvent_t event);
SNG_EMULATOR_API cudaError_t cudaEventElapsedTime (float *milliseconds, cudaEvent_t start, cudaEvent_t end);
SNG_EMULATOR_API cudaError_t cudaEventDestroy (cudaEvent_t event);
SNG_EMULATOR_API cudaError_t cudaLaunchHostFunc (cudaStream_t stream, cudaHostFn_t function, void *data);

/* graphs */
SNG_EMULATOR_API cudaError_t cudaStreamBeginCapture (cudaStream_t stream, enum cudaStreamCaptureMode mode);
SNG_EMULATOR_API cudaError_t cudaStreamEndCapture (cudaStream_t stream, cudaGraph_t *graph);
SNG_EMULATOR_API cudaError_t cudaStreamIsCapturing (cudaStream_t stream, enum cudaStreamCaptureStatus *status);
SNG_EMULATOR_API cudaError_t cudaThreadExchangeStreamCaptureMode (enum cudaStreamCaptureMode *mode);
SNG_EMULATOR_API cudaError_t cudaGraphGetNodes (cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *n_nodes);
SNG_EMULATOR_API cudaError_t cudaGraphInstantiate (cudaGraphExec_t *exec, cudaGraph_t graph,
                                                   unsigned long long flags SNG_EMULATOR_DEFAULT (0));
SNG_EMULATOR_API cudaError_t cudaGraphLaunch (cudaGraphExec_t exec, cudaStream_t stream);
SNG_EMULATOR_API cudaError_t cudaGraphDestroy (cudaGraph_t graph);
SNG_EMULATOR_API cudaError_t cudaGraphExecDestroy (cudaGraphExec_t exec);

/* The emulator's own: how often a function was called since the process began, NULL for all; a launch is cudaLaunchKernel. */
SNG_EMULATOR_API unsigned int sng_emulator_count_calls (const char *function);

#ifdef __cplusplus
}
#endif
