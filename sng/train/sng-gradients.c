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

/* Gradients one after the other that one device computes with at once. */
typedef struct
{
  SngDevice *device;
  const SngKernels *kernels;
  GArray *arrays;        /* of SngArray */
  GPtrArray *parameters; /* not owned */
} Run;

static void
run_init (Run *run)
{
  *run = (Run){
    .arrays = g_array_new (FALSE, FALSE, sizeof (SngArray)),
    .parameters = g_ptr_array_new (),
  };
}

static void
run_clear (Run *run)
{
  g_array_unref (run->arrays);
  g_ptr_array_unref (run->parameters);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* Fills the run with the gradients from the parameter at *next on, and moves *next behind them; FALSE where there are none. */
static gboolean
run_take (Run *run, GPtrArray *parameters, guint *next)
{
  g_array_set_size (run->arrays, 0);
  g_ptr_array_set_size (run->parameters, 0);

  for (; *next < parameters->len; (*next)++)
    {
      SngParameter *parameter = g_ptr_array_index (parameters, *next);
      SngTensor *gradient = sng_parameter_get_gradient (parameter);
      SngDevice *device = gradient != NULL ? sng_tensor_get_device (gradient) : NULL;
      const SngKernels *kernels;
      SngArray array;

      if (gradient == NULL)
        continue;

      kernels = sng_device_get_kernels (device, sng_tensor_get_dtype (gradient));
      if (run->arrays->len > 0 && (device != run->device || kernels != run->kernels))
        break;

      run->device = device;
      run->kernels = kernels;
      array = (SngArray){ (gsize) sng_tensor_get_n_elements (gradient), sng_tensor_get_data (gradient) };
      g_array_append_val (run->arrays, array);
      g_ptr_array_add (run->parameters, parameter);
    }

  return run->arrays->len > 0;
}

gboolean
sng_gradients_compute_norm (GPtrArray *parameters, double *norm, GError **error)
{
  g_auto (Run) run;
  double sum = 0.0;
  guint next = 0;

  run_init (&run);
  while (run_take (&run, parameters, &next))
    {
      g_autofree double *sums = g_new (double, run.arrays->len);

      run.kernels->sum_of_squares (run.device, run.arrays->len, &g_array_index (run.arrays, SngArray, 0),
                                   sums);
      if (!SNG_DEVICE_GET_CLASS (run.device)->check (run.device, error))
        return FALSE;

      for (guint i = 0; i < run.arrays->len; i++)
        {
          sum += sums[i];
          if (!isfinite (sum))
            {
              g_set_error (error, SNG_ERROR, SNG_ERROR_NON_FINITE,
                           "[gradient] %s: the norm of the gradient is not finite",
                           sng_parameter_get_name (g_ptr_array_index (run.parameters, i)));
              return FALSE;
            }
        }
    }

  *norm = sqrt (sum);

  return TRUE;
}

void
sng_gradients_scale (GPtrArray *parameters, double factor)
{
  g_auto (Run) run;
  guint next = 0;

  run_init (&run);
  while (run_take (&run, parameters, &next))
    run.kernels->scale (run.device, run.arrays->len, &g_array_index (run.arrays, SngArray, 0), factor);
}
