/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor-fixture.h"

SngTensor *
tensor_fixture_new (SngDevice *device, gint64 n, float salt)
{
  g_autofree float *numbers = g_new (float, MAX (n, 1));
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, &n, 1, device, &error);

  g_assert_no_error (error);
  for (gint64 i = 0; i < n; i++)
    numbers[i] = (float) i + salt;
  bytes = g_bytes_new (numbers, (gsize) n * sizeof (float));
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, &error));
  g_assert_no_error (error);

  return g_steal_pointer (&tensor);
}

void
tensor_fixture_synchronize (SngTensor *tensor)
{
  sng_tensor_get_value (tensor, 0);
}
