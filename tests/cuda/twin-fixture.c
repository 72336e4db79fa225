/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "twin-fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/sng-half-private.h"

#define SKIPPED 77 /* the exit status */

#define F32_TOLERANCE 4e-6
#define BF16_TOLERANCE 8e-3
#define F16_TOLERANCE 1e-3

static SngDeviceClass *
ops (SngDevice *device)
{
  return SNG_DEVICE_GET_CLASS (device);
}

SngDevice *
twin_cpu (void)
{
  static SngDevice *device;

  if (device == NULL)
    device = sng_device_new_cpu (1);
  return device;
}

SngDevice *
twin_cuda (void)
{
  static SngDevice *device;
  g_autoptr (GError) error = NULL;

  if (device != NULL)
    return device;

  device = sng_device_new ("cuda", &error);
  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
    {
      g_print ("1..0 # SKIP %s\n", error->message);
      exit (SKIPPED);
    }
  g_assert_no_error (error);
  return device;
}

gboolean
twin_is_emulated (void)
{
  g_autoptr (GVariant) description = sng_device_describe (twin_cuda ());
  const char *compiler;

  return g_variant_lookup (description, "cuda-compiler", "&s", &compiler)
         && g_str_equal (compiler, "emulator");
}

static const SngKernels *
get_table (SngDevice *device, guint table)
{
  const SngDeviceMath *math = ops (device)->math;
  const SngKernels *const tables[TWIN_N_TABLES] = { math->f32, math->bf16, math->f16 };

  return tables[table];
}

const SngKernels *
twin_cpu_kernels (guint table)
{
  return get_table (twin_cpu (), table);
}

const SngKernels *
twin_cuda_kernels (guint table)
{
  return get_table (twin_cuda (), table);
}

static gsize
count_bytes (const Twin *twin)
{
  return twin->n * sng_dtype_get_size (twin->dtype);
}

Twin
twin_new (SngDtype dtype, gsize n)
{
  g_autoptr (GError) error = NULL;
  Twin twin = { .dtype = dtype, .n = n };

  twin.host = g_malloc0 (MAX (count_bytes (&twin), 1));
  twin.device = ops (twin_cuda ())->alloc (twin_cuda (), count_bytes (&twin), &error);
  g_assert_no_error (error);
  return twin;
}

Twin
twin_random (SngDtype dtype, gsize n, guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  Twin twin = twin_new (dtype, n);

  for (gsize i = 0; i < n; i++)
    twin_set (&twin, i, sng_bf16_to_float (sng_bf16_from_float ((float) g_rand_double_range (rand, -2, 2))));
  twin_upload (&twin);
  return twin;
}

Twin
twin_from (SngDtype dtype, gsize n, gconstpointer values)
{
  Twin twin = twin_new (dtype, n);

  if (n > 0)
    memcpy (twin.host, values, count_bytes (&twin));
  twin_upload (&twin);
  return twin;
}

void
twin_clear (Twin *twin)
{
  if (twin->device != NULL)
    ops (twin_cuda ())->free (twin_cuda (), twin->device, count_bytes (twin));
  twin->device = NULL;
  g_clear_pointer (&twin->host, g_free);
}

static double
get_value (SngDtype dtype, gconstpointer values, gsize i)
{
  switch (dtype)
    {
    case SNG_DTYPE_F64:
      return ((const double *) values)[i];
    case SNG_DTYPE_F32:
      return ((const float *) values)[i];
    case SNG_DTYPE_BF16:
      return sng_bf16_to_float (((const guint16 *) values)[i]);
    case SNG_DTYPE_F16:
      return sng_f16_to_float (((const guint16 *) values)[i]);
    case SNG_DTYPE_I64:
      return (double) ((const gint64 *) values)[i];
    default:
      g_assert_not_reached ();
    }
}

double
twin_get (const Twin *twin, gsize i)
{
  return get_value (twin->dtype, twin->host, i);
}

void
twin_set (const Twin *twin, gsize i, double value)
{
  switch (twin->dtype)
    {
    case SNG_DTYPE_F64:
      ((double *) twin->host)[i] = value;
      break;
    case SNG_DTYPE_F32:
      ((float *) twin->host)[i] = (float) value;
      break;
    case SNG_DTYPE_BF16:
      ((guint16 *) twin->host)[i] = sng_bf16_from_float ((float) value);
      break;
    case SNG_DTYPE_F16:
      ((guint16 *) twin->host)[i] = sng_f16_from_float ((float) value);
      break;
    case SNG_DTYPE_I64:
      ((gint64 *) twin->host)[i] = (gint64) value;
      break;
    default:
      g_assert_not_reached ();
    }
}

void
twin_upload (const Twin *twin)
{
  g_autoptr (GError) error = NULL;

  ops (twin_cuda ())->upload (twin_cuda (), twin->device, twin->host, count_bytes (twin), &error);
  g_assert_no_error (error);
}

GBytes *
twin_dup_device_bytes (const Twin *twin)
{
  g_autoptr (GError) error = NULL;
  g_autofree gpointer bytes = g_malloc0 (MAX (count_bytes (twin), 1));

  ops (twin_cuda ())->download (twin_cuda (), bytes, twin->device, count_bytes (twin), &error);
  g_assert_no_error (error);
  return g_bytes_new_take (g_steal_pointer (&bytes), count_bytes (twin));
}

/* Of values times a factor; where the host has nothing but zeros, the norm of the values itself. */
static double
compute_difference (const Twin *twin, gconstpointer values, double factor)
{
  double difference = 0, norm = 0;

  for (gsize i = 0; i < twin->n; i++)
    {
      double x = get_value (twin->dtype, values, i) * factor, y = twin_get (twin, i);

      difference += (x - y) * (x - y);
      norm += y * y;
    }
  return norm > 0 ? sqrt (difference / norm) : sqrt (difference);
}

double
twin_difference (const Twin *twin)
{
  g_autoptr (GBytes) bytes = twin_dup_device_bytes (twin);

  return compute_difference (twin, g_bytes_get_data (bytes, NULL), 1);
}

void
twin_check (const Twin *twin, double tolerance, const char *what)
{
  g_autoptr (GBytes) bytes = twin_dup_device_bytes (twin);
  gconstpointer values = g_bytes_get_data (bytes, NULL);
  double error = compute_difference (twin, values, 1);
  gboolean any = FALSE;

  g_test_message ("%s: %.1e", what, error);
  if (!(error < tolerance))
    g_error ("%s: the device's side differs by %.1e, more than %.1e", what, error, tolerance);

  for (gsize i = 0; i < twin->n; i++)
    any |= twin_get (twin, i) != 0;
  if (any)
    g_assert_cmpfloat (compute_difference (twin, values, 1 + 4 * tolerance), >, tolerance);
}

void
twin_check_equal (const Twin *twin, const char *what)
{
  g_autoptr (GBytes) bytes = twin_dup_device_bytes (twin);
  const guint8 *device = g_bytes_get_data (bytes, NULL), *host = twin->host;

  for (gsize i = 0; i < count_bytes (twin); i++)
    if (device[i] != host[i])
      g_error ("%s: element %" G_GSIZE_FORMAT " is %.9g, and on the device %.9g", what,
               i / sng_dtype_get_size (twin->dtype), twin_get (twin, i / sng_dtype_get_size (twin->dtype)),
               get_value (twin->dtype, device, i / sng_dtype_get_size (twin->dtype)));
}

double
twin_tolerance (const SngKernels *kernels)
{
  return kernels->operand == SNG_DTYPE_BF16  ? BF16_TOLERANCE
         : kernels->operand == SNG_DTYPE_F16 ? F16_TOLERANCE
                                             : F32_TOLERANCE;
}

static SngRows
describe_rows (const gint64 *numbers, gsize n_sequences, gsize n_rows, gsize max_tokens)
{
  return (SngRows){
    .n_sequences = n_sequences,
    .n_rows = n_rows,
    .max_tokens = max_tokens,
    .first_rows = numbers,
    .sequences = numbers + n_sequences + 1,
    .tokens = numbers + n_sequences + 1 + n_rows,
  };
}

TwinRows *
twin_rows_new (const gsize *lengths, gsize n_sequences)
{
  TwinRows *rows = g_new0 (TwinRows, 1);
  gsize n_rows = 0, max_tokens = 0, row = 0;
  gint64 *numbers;

  for (gsize i = 0; i < n_sequences; i++)
    {
      n_rows += lengths[i];
      max_tokens = MAX (max_tokens, lengths[i]);
    }
  rows->numbers = twin_new (SNG_DTYPE_I64, n_sequences + 1 + 2 * n_rows);
  numbers = rows->numbers.host;
  for (gsize i = 0; i < n_sequences; i++)
    {
      numbers[i + 1] = numbers[i] + (gint64) lengths[i];
      for (gsize token = 0; token < lengths[i]; token++, row++)
        {
          numbers[n_sequences + 1 + row] = (gint64) i;
          numbers[n_sequences + 1 + n_rows + row] = (gint64) token;
        }
    }
  twin_upload (&rows->numbers);
  rows->host = describe_rows (rows->numbers.host, n_sequences, n_rows, max_tokens);
  rows->device = describe_rows (rows->numbers.device, n_sequences, n_rows, max_tokens);
  return rows;
}

void
twin_rows_free (TwinRows *rows)
{
  twin_clear (&rows->numbers);
  g_free (rows);
}
