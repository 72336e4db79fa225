/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-settings-private.h"

#include "sng-error.h"

/* As text: a file or a language may choose another integer type. A double has no more digits than it needs to be told from
 * any other. */
static char *
describe_value (GVariant *value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double number;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    return g_variant_print (value, FALSE);

  number = g_variant_get_double (value);

  if (g_ascii_strtod (g_ascii_formatd (text, sizeof text, "%.15g", number), NULL) != number)
    g_ascii_dtostr (text, sizeof text, number);

  return g_strdup (text);
}

static gboolean
check_entry (SngStateDict *state,
             SngStateDict *own,
             const char *place,
             const char *name,
             gboolean varies,
             GError **error)
{
  SngTensor *tensor = sng_state_dict_lookup_tensor (own, name);
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;

  if (tensor != NULL)
    {
      SngTensor *other = sng_state_dict_lookup_tensor (state, name);

      if (other != NULL && sng_tensor_same_layout (tensor, other))
        return TRUE;

      ours = sng_tensor_describe (tensor);
      theirs = other != NULL ? sng_tensor_describe (other) : g_strdup ("no such tensor");
    }
  else
    {
      GVariant *other = sng_state_dict_lookup_value (state, name);

      if (other != NULL && varies)
        return TRUE;

      ours = describe_value (sng_state_dict_lookup_value (own, name));
      theirs = other != NULL ? describe_value (other) : g_strdup ("no such value");

      if (g_str_equal (ours, theirs))
        return TRUE;
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "%s %s: the checkpoint has %s, this run has %s", place,
               name, theirs, ours);

  return FALSE;
}

gboolean
sng_settings_check (SngStateDict *state,
                    SngStateDict *own,
                    const char *place,
                    const char *const *varying,
                    GError **error)
{
  guint n_own = sng_state_dict_get_n_items (own);
  guint n_state = sng_state_dict_get_n_items (state);

  for (guint i = 0; i < n_own; i++)
    {
      const char *name = sng_state_dict_get_name (own, i);

      if (!check_entry (state, own, place, name, g_strv_contains (varying, name), error))
        return FALSE;
    }

  for (guint i = 0; i < n_state; i++)
    if (!sng_state_dict_contains (own, sng_state_dict_get_name (state, i)))
      {
        g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                     "%s %s: the checkpoint has it, this run does not know it", place,
                     sng_state_dict_get_name (state, i));
        return FALSE;
      }

  return TRUE;
}

gboolean
sng_settings_get_uint64 (SngStateDict *state,
                         const char *place,
                         const char *name,
                         guint64 *value,
                         GError **error)
{
  GVariant *variant = sng_state_dict_lookup_value (state, name);
  g_autofree char *text = variant != NULL ? g_variant_print (variant, FALSE) : g_strdup ("nothing");

  if (variant != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, value, NULL))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH, "%s %s: the checkpoint has %s, expected is a count",
               place, name, text);

  return FALSE;
}

gboolean
sng_settings_get_learning_rate (SngStateDict *state, const char *place, double *value, GError **error)
{
  double learning_rate;

  if (!sng_state_dict_get_double (state, "learning_rate", &learning_rate, error))
    {
      g_prefix_error (error, "%s ", place);
      return FALSE;
    }

  if (!(learning_rate >= 0.0 && learning_rate <= G_MAXDOUBLE))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "%s learning_rate: the checkpoint has %g, expected is a finite value from 0", place,
                   learning_rate);
      return FALSE;
    }

  *value = learning_rate;

  return TRUE;
}
