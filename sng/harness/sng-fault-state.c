/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Damages to a state. */

#include "harness/sng-fault-private.h"

#include <string.h>

#include "state/sng-state-dict-private.h"
#include "tensor/sng-half-private.h"

gboolean
sng_fault_same_entry (SngStateDict *a, SngStateDict *b, const char *name)
{
  const SngStateEntry *first = sng_state_dict_lookup_entry (a, name);
  const SngStateEntry *second = sng_state_dict_lookup_entry (b, name);

  if (first == NULL || second == NULL || (first->tensor == NULL) != (second->tensor == NULL))
    return FALSE;

  return first->tensor != NULL ? sng_tensor_equal (first->tensor, second->tensor)
                               : g_variant_equal (first->value, second->value);
}

void
sng_fault_copy_entry (SngStateDict *state, SngStateDict *from, const char *name)
{
  const SngStateEntry *entry = sng_state_dict_lookup_entry (from, name);

  if (entry->tensor != NULL)
    sng_state_dict_set_tensor (state, name, entry->tensor);
  else
    sng_state_dict_set_value (state, name, entry->value);
}

gboolean
sng_fault_get_count (SngStateDict *state, const char *name, guint64 *count)
{
  GVariant *value = sng_state_dict_lookup_value (state, name);

  if (value == NULL)
    return FALSE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    *count = g_variant_get_uint64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    *count = (guint64) g_variant_get_int64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    *count = g_variant_get_uint32 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT32))
    *count = (guint64) g_variant_get_int32 (value);
  else
    return FALSE;

  return TRUE;
}

gboolean
sng_fault_set_count (SngStateDict *state, const char *name, guint64 count)
{
  GVariant *value = sng_state_dict_lookup_value (state, name);
  guint64 old;

  if (!sng_fault_get_count (state, name, &old))
    return FALSE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    value = g_variant_new_uint64 (count);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    value = g_variant_new_int64 ((gint64) count);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    value = g_variant_new_uint32 ((guint32) count);
  else
    value = g_variant_new_int32 ((gint32) count);

  sng_state_dict_set_value (state, name, value);

  return TRUE;
}

gboolean
sng_fault_shift_count (SngStateDict *state, const char *name, gint64 shift)
{
  guint64 count;

  return sng_fault_get_count (state, name, &count)
         && sng_fault_set_count (state, name, count + (guint64) shift);
}

/* Changes the elements, wherever they lie. */
static gboolean
change (SngTensor *tensor, void (*func) (gpointer elements, gsize n_bytes))
{
  g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (tensor, NULL);
  g_autoptr (GBytes) changed = NULL;
  gpointer elements;
  gsize n_bytes;

  if (bytes == NULL)
    return FALSE;

  elements = g_bytes_unref_to_data (g_steal_pointer (&bytes), &n_bytes);
  func (elements, n_bytes);
  changed = g_bytes_new_take (elements, n_bytes);

  return sng_tensor_set_bytes (tensor, changed, NULL);
}

static void
zero (gpointer elements, gsize n_bytes)
{
  if (n_bytes > 0)
    memset (elements, 0, n_bytes);
}

gboolean
sng_fault_zero_tensor (SngTensor *tensor)
{
  return change (tensor, zero);
}

static void
flip_lowest_bit (gpointer elements, gsize n_bytes)
{
  *(guint8 *) elements ^= 1;
}

gboolean
sng_fault_flip_tensor (SngTensor *tensor)
{
  return sng_tensor_get_n_elements (tensor) > 0 && change (tensor, flip_lowest_bit);
}

static void
round_f32 (gpointer elements, gsize n_bytes)
{
  float *values = elements;

  for (gsize i = 0; i < n_bytes / sizeof *values; i++)
    values[i] = sng_bf16_to_float (sng_bf16_from_float (values[i]));
}

static void
round_f64 (gpointer elements, gsize n_bytes)
{
  double *values = elements;

  for (gsize i = 0; i < n_bytes / sizeof *values; i++)
    values[i] = sng_bf16_to_float (sng_bf16_from_float ((float) values[i]));
}

gboolean
sng_fault_round_to_bf16 (SngTensor *tensor)
{
  switch (sng_tensor_get_dtype (tensor))
    {
    case SNG_DTYPE_F32:
      return change (tensor, round_f32);

    case SNG_DTYPE_F64:
      return change (tensor, round_f64);

    default:
      return FALSE;
    }
}

/* What is behind the last dot: of which kind a tensor is, where a state has several of each parameter. */
static const char *
get_end (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL ? dot : "";
}

static gboolean
swap_with_later (SngStateDict *state, guint position)
{
  const char *name = sng_state_dict_get_name (state, position);
  g_autoptr (SngTensor) tensor = g_object_ref (sng_state_dict_lookup_tensor (state, name));

  for (guint i = position + 1; i < sng_state_dict_get_n_items (state); i++)
    {
      const char *other_name = sng_state_dict_get_name (state, i);
      SngTensor *other = sng_state_dict_lookup_tensor (state, other_name);

      if (other == NULL || !g_str_equal (get_end (name), get_end (other_name))
          || !sng_tensor_same_layout (tensor, other) || sng_tensor_equal (tensor, other))
        continue;

      g_object_ref (other);
      sng_state_dict_set_tensor (state, other_name, tensor);
      sng_state_dict_set_tensor (state, name, other);
      g_object_unref (other);
      return TRUE;
    }

  return FALSE;
}

gboolean
sng_fault_swap_tensors (SngStateDict *state, const char *first)
{
  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      const char *name = sng_state_dict_get_name (state, i);

      if (sng_state_dict_lookup_tensor (state, name) != NULL && (first == NULL || g_str_equal (first, name))
          && swap_with_later (state, i))
        return TRUE;
    }

  return FALSE;
}
