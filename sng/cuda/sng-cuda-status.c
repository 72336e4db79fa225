/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-device-private.h"

#include "sng-error.h"

/* Whether a GPU says so of what it has been working on, whatever is called meanwhile. */
static gboolean
is_late (cudaError_t status)
{
  switch (status)
    {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
sng_cuda_check_after (cudaError_t status, guint gpu, const char *place, const char *last, GError **error)
{
  gboolean late = is_late (status);

  if (status == cudaSuccess)
    return TRUE;

  /* It is said here, and whoever asks for the thread's last error next asks for another. */
  cudaGetLastError ();
  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, "%s cuda:%u: %s (%s)%s%s%s", place, gpu,
               cudaGetErrorName (status), cudaGetErrorString (status), late ? " in work queued before" : "",
               late && last != NULL ? ", the last of which was " : "", late && last != NULL ? last : "");
  return FALSE;
}

gboolean
sng_cuda_check (cudaError_t status, guint gpu, const char *place, GError **error)
{
  return sng_cuda_check_after (status, gpu, place, NULL, error);
}
