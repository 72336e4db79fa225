/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include "sng-error.h"

/* What the model computes in. Parameters, their gradients and all that is saved stay what they are. */

static const SngKernels *
find_kernels (SngTransformer *self, SngPrecision precision)
{
  const SngDeviceMath *math = sng_transformer_device_class (self)->math;

  if (precision == SNG_PRECISION_32)
    return sng_device_get_kernels (self->device, self->settings.dtype);
  if (math == NULL)
    return NULL;
  return precision == SNG_PRECISION_BF16_MIXED ? math->bf16 : math->f16;
}

gboolean
sng_transformer_set_precision (SngModel *model, SngPrecision precision, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);
  const char *dtype = sng_dtype_get_name (self->settings.dtype);
  const SngKernels *kernels = find_kernels (self, precision);

  if (precision != SNG_PRECISION_32 && self->settings.dtype != SNG_DTYPE_F32)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
          "[transformer][precision] the model's dtype is %s, which goes with precision %s; %s needs F32",
          dtype, sng_precision_to_string (SNG_PRECISION_32), sng_precision_to_string (precision));
      return FALSE;
    }
  if (kernels == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[transformer][precision] the device \"%s\" does not compute in %s with precision %s",
                   sng_device_get_name (self->device), dtype, sng_precision_to_string (precision));
      return FALSE;
    }
  return kernels == self->kernels || sng_transformer_plan_memory (self, kernels, error);
}

/* The weights may have been changed since the last forward: by an optimizer, a restore, a test. */
void
sng_transformer_refresh_operands (SngTransformer *self)
{
  if (self->operands != NULL)
    self->kernels->narrow (self->device, (gsize) sng_tensor_get_n_elements (self->operands),
                           sng_tensor_get_data (self->values), sng_tensor_get_data (self->operands));
}
