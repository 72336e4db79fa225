/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include <gmodule.h>

#ifndef SNG_CUDA_DRIVER_LIBRARY
# define SNG_CUDA_DRIVER_LIBRARY "libcuda.so.1"
#endif

/* The runtime can tell a thread's current GPU, but not whether the thread has used it; and to set one makes a context there,
 * of some hundred megabytes. So the thread's context itself is kept, which only the driver knows. */

typedef int (*GetContext) (gpointer *context);
typedef int (*SetContext) (gpointer context);

static GetContext get_context;
static SetContext set_context;

/* The runtime has loaded it. */
static void
find_functions (void)
{
  static gsize done = 0;
  GModule *driver;

  if (!g_once_init_enter (&done))
    return;

  driver = g_module_open (SNG_CUDA_DRIVER_LIBRARY, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);
  if (driver == NULL || !g_module_symbol (driver, "cuCtxGetCurrent", (gpointer *) &get_context)
      || !g_module_symbol (driver, "cuCtxSetCurrent", (gpointer *) &set_context))
    get_context = NULL;
  g_once_init_leave (&done, 1);
}

SngCudaScope
sng_cuda_scope_enter (void)
{
  SngCudaScope scope = { .mode = cudaStreamCaptureModeRelaxed };

  find_functions ();
  if (get_context == NULL || get_context (&scope.context) != 0)
    scope.context = NULL;

  scope.is_relaxed = cudaThreadExchangeStreamCaptureMode (&scope.mode) == cudaSuccess;
  if (!scope.is_relaxed)
    cudaGetLastError ();
  return scope;
}

void
sng_cuda_scope_leave (SngCudaScope *scope)
{
  gpointer context = NULL;

  if (scope->is_relaxed && cudaThreadExchangeStreamCaptureMode (&scope->mode) != cudaSuccess)
    cudaGetLastError ();

  if (scope->context != NULL && get_context (&context) == 0 && context != scope->context)
    set_context (scope->context);
}
