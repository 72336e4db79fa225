/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a run recorded of one step. */

#include "compare/sng-parity-private.h"

#include <math.h>

#include "compare/sng-comparison-private.h"
#include "sng-error.h"

#define ACCUMULATION "Accumulation"
#define SAMPLE_IDS "SampleIds"

static void
parameter_free (gpointer data)
{
  SngParityParameter *parameter = data;

  g_free (parameter->name);
  g_free (parameter);
}

GPtrArray *
sng_parity_read_parameters (const SngParityPlan *plan, GError **error)
{
  g_autoptr (SngParityStep) start = sng_parity_step_read (plan, 0, error);
  SngMetadata *entry = start != NULL ? sng_parity_step_lookup (start, -1, "parameters") : NULL;
  GVariant *value = entry != NULL ? sng_metadata_get_value (entry) : NULL;
  GPtrArray *parameters;
  GVariantIter iter;
  const char *name;
  gint64 n;
  double epsilon;
  guint first = 0;

  if (start == NULL)
    return NULL;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("a(sxd)")))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
                   "[accumulation] %s: the parameters were not recorded",
                   sng_run_store_get_path (plan->store));
      return NULL;
    }

  parameters = g_ptr_array_new_with_free_func (parameter_free);
  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "(&sxd)", &name, &n, &epsilon))
    {
      SngParityParameter parameter = { g_strdup (name), first, (guint) n, epsilon };

      g_ptr_array_add (parameters, g_memdup2 (&parameter, sizeof parameter));
      first += (guint) n;
    }

  return parameters;
}

/* The values are those that SngSampleIdsCallback records. */
static void
add_samples (SngParityStep *self, SngMetadata *entry)
{
  GVariant *value = sng_metadata_get_value (entry);
  g_autoptr (GVariant) ids = NULL;
  const gint64 *numbers;
  guint64 epoch;
  gsize n;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE ("(tax)")))
    return;

  g_variant_get (value, "(t@ax)", &epoch, &ids);
  numbers = g_variant_get_fixed_array (ids, &n, sizeof *numbers);
  for (gsize i = 0; i < n; i++)
    {
      gint64 pair[] = { (gint64) epoch, numbers[i] };

      g_array_append_vals (self->samples, pair, G_N_ELEMENTS (pair));
    }
}

SngParityStep *
sng_parity_step_read (const SngParityPlan *plan, guint64 step, GError **error)
{
  g_autoptr (SngParityStep) self = g_new0 (SngParityStep, 1);
  g_autoptr (GPtrArray) samples = NULL;

  self->plan = plan;
  self->step = step;
  self->n_micro_batches = plan->n_micro_batches;
  self->directory = g_path_get_dirname (sng_run_store_get_path (plan->store));
  self->samples = g_array_new (FALSE, FALSE, sizeof (gint64));

  self->entries = sng_run_store_query (plan->store, ACCUMULATION, step, step, error);
  if (self->entries == NULL)
    return NULL;

  samples = sng_run_store_query (plan->store, SAMPLE_IDS, step, step, error);
  if (samples == NULL)
    return NULL;

  for (guint i = 0; i < self->entries->len; i++)
    self->first_micro_batch =
        MAX (self->first_micro_batch,
             sng_metadata_get_micro_batch (self->entries->pdata[i]) + 1 - (gint64) plan->n_micro_batches);
  for (guint i = 0; i < samples->len; i++)
    add_samples (self, samples->pdata[i]);

  return g_steal_pointer (&self);
}

void
sng_parity_step_free (SngParityStep *self)
{
  g_free (self->directory);
  g_clear_pointer (&self->entries, g_ptr_array_unref);
  g_clear_pointer (&self->samples, g_array_unref);
  g_free (self);
}

/* A step has some twenty entries. */
SngMetadata *
sng_parity_step_lookup (SngParityStep *self, gint64 micro_batch, const char *path)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (self->entries, i);

      if (sng_metadata_get_micro_batch (entry) == micro_batch
          && g_str_equal (sng_metadata_get_path (entry), path))
        return entry;
    }

  return NULL;
}

double
sng_parity_step_lookup_double (SngParityStep *self, gint64 micro_batch, const char *path)
{
  SngMetadata *entry = sng_parity_step_lookup (self, micro_batch, path);
  GVariant *value = entry != NULL ? sng_metadata_get_value (entry) : NULL;

  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    return g_variant_get_double (value);
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    return (double) g_variant_get_int64 (value);

  return NAN;
}

GArray *
sng_parity_step_load (SngParityStep *self, gint64 micro_batch, const char *path, GError **error)
{
  SngMetadata *entry = sng_parity_step_lookup (self, micro_batch, path);
  g_autoptr (SngTensor) tensor = NULL;
  GArray *numbers;

  if (entry == NULL || sng_metadata_get_capture (entry) == NULL
      || sng_metadata_get_dtype (entry) != SNG_DTYPE_F64)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND,
                   "[accumulation] %s: step %" G_GUINT64_FORMAT ", micro-batch %" G_GINT64_FORMAT
                   ": \"%s\" was not recorded whole",
                   sng_run_store_get_path (self->plan->store), self->step, micro_batch, path);
      return NULL;
    }

  tensor = sng_comparison_load_capture (self->directory, entry, error);
  if (tensor == NULL)
    return NULL;

  numbers = g_array_new (FALSE, FALSE, sizeof (double));
  g_array_append_vals (numbers, sng_tensor_get_data (tensor), (guint) sng_tensor_get_n_elements (tensor));

  return numbers;
}
