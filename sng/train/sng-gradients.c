/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-gradients-private.h"

#include <math.h>

#include "sng-error.h"
#include "tensor/sng-device-math-private.h"

gboolean
sng_gradients_check (GPtrArray *parameters, GError **error)
{
  for (guint i = 0; i < parameters->len; i++)
    {
      SngParameter *parameter = g_ptr_array_index (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);

      if (gradient != NULL
          && sng_device_get_kernels (sng_tensor_get_device (gradient), sng_tensor_get_dtype (gradient))
                 == NULL)
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                       "[gradient] %s: there is no arithmetic for %s on device \"%s\"",
                       sng_parameter_get_name (parameter),
                       sng_dtype_get_name (sng_tensor_get_dtype (gradient)),
                       sng_device_get_name (sng_tensor_get_device (gradient)));
          return FALSE;
        }
    }

  return TRUE;
}

gboolean
sng_gradients_compute_norm (GPtrArray *parameters, double *norm, GError **error)
{
  double sum = 0.0;

  for (guint i = 0; i < parameters->len; i++)
    {
      SngParameter *parameter = g_ptr_array_index (parameters, i);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);
      SngDevice *device;

      if (gradient == NULL)
        continue;

      device = sng_tensor_get_device (gradient);
      sum +=
          sng_device_get_kernels (device, sng_tensor_get_dtype (gradient))
              ->sum_of_squares (device, sng_tensor_get_n_elements (gradient), sng_tensor_get_data (gradient));

      if (!isfinite (sum))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE,
                       "[gradient] %s: the norm of the gradient is not finite",
                       sng_parameter_get_name (parameter));
          return FALSE;
        }
    }

  *norm = sqrt (sum);

  return TRUE;
}

void
sng_gradients_scale (GPtrArray *parameters, double factor)
{
  for (guint i = 0; i < parameters->len; i++)
    {
      SngTensor *gradient = sng_parameter_get_gradient (g_ptr_array_index (parameters, i));
      SngDevice *device;

      if (gradient == NULL)
        continue;

      device = sng_tensor_get_device (gradient);
      sng_device_get_kernels (device, sng_tensor_get_dtype (gradient))
          ->scale (device, sng_tensor_get_n_elements (gradient), factor, sng_tensor_get_data (gradient));
    }
}
