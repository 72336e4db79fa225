/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include "sng-error.h"

gboolean
sng_cuda_check (cudaError_t status, guint gpu, const char *place, GError **error)
{
  if (status == cudaSuccess)
    return TRUE;

  /* It is said here, and whoever asks for the thread's last error next asks for another. */
  cudaGetLastError ();
  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "%s cuda:%u: %s (%s)", place, gpu,
               cudaGetErrorName (status), cudaGetErrorString (status));
  return FALSE;
}
