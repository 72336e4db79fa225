/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-environment-private.h"

#include <string.h>

#include "tensor/sng-device-private.h"

/* What may change the numbers of a training from outside. */
static const char *const noted_variables[] = {
  "CUBLASLT_WORKSPACE_SIZE", "CUBLAS_WORKSPACE_CONFIG",
  "CUDA_VISIBLE_DEVICES",    "MKL_CBWR",
  "MKL_NUM_THREADS",         "NVIDIA_TF32_OVERRIDE",
  "OMP_NUM_THREADS",         "OMP_WAIT_POLICY",
  "ONEDNN_MAX_CPU_ISA",      "OPENBLAS_NUM_THREADS",
  "PYTHONHASHSEED",          "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
};

/* How many threads libsng has: no result of it depends on that, and a check may change it to show so. Commands have
 * variables for theirs. */
#define THREADS "threads"

/* Another GPU or library may choose otherwise for each of thousands of products. */
#define MAX_CHOICES 3

GVariant *
sng_environment_read_variables (void)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  for (guint i = 0; i < G_N_ELEMENTS (noted_variables); i++)
    {
      const char *value = g_getenv (noted_variables[i]);
      g_autofree char *valid = value != NULL ? g_utf8_make_valid (value, -1) : NULL;

      if (valid != NULL)
        g_variant_builder_add (&builder, "{ss}", noted_variables[i], valid);
    }

  return g_variant_builder_end (&builder);
}

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
add_values (GHashTable *values, GVariant *environment)
{
  GVariantIter iter;
  const char *key, *value;

  g_variant_iter_init (&iter, environment);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &value))
    g_hash_table_insert (values, (gpointer) key, (gpointer) value);
}

/* Returns: (transfer container): sorted */
static GPtrArray *
list_keys (GHashTable *values, GCompareFunc compare)
{
  GPtrArray *keys = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_ptr_array_add (keys, key);
  g_ptr_array_sort (keys, compare);

  return keys;
}

GVariant *
sng_environment_merge (GVariant *first, GVariant *second)
{
  g_autoptr (GVariant) owned_first = first != NULL ? g_variant_ref_sink (first) : NULL;
  g_autoptr (GVariant) owned_second = g_variant_ref_sink (second);
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) keys = NULL;
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  if (owned_first != NULL)
    add_values (values, owned_first);
  add_values (values, owned_second);
  keys = list_keys (values, compare_keys);
  for (guint i = 0; i < keys->len; i++)
    g_variant_builder_add (&builder, "{ss}", keys->pdata[i], g_hash_table_lookup (values, keys->pdata[i]));

  return g_variant_builder_end (&builder);
}

gboolean
sng_environment_is_choice (const char *key)
{
  return g_str_has_prefix (key, SNG_DEVICE_CHOICE);
}

static gboolean
is_different (const SngEnvironmentDifference *self)
{
  if (sng_environment_is_choice (self->key) && (self->expected == NULL || self->found == NULL))
    return FALSE;

  return g_strcmp0 (self->expected, self->found) != 0 && !g_str_equal (self->key, THREADS);
}

/* A choice follows from the rest, so what may be its reason comes first. */
static int
compare_kinds (gconstpointer a, gconstpointer b)
{
  int first = sng_environment_is_choice (*(const char *const *) a);
  int second = sng_environment_is_choice (*(const char *const *) b);

  return first != second ? first - second : compare_keys (a, b);
}

GArray *
sng_environment_compare (GVariant *expected, GVariant *found)
{
  g_autoptr (GHashTable) expected_values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) found_values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) all = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) keys = NULL;
  GArray *differences = g_array_new (FALSE, FALSE, sizeof (SngEnvironmentDifference));
  guint n_choices = 0;

  if (expected == NULL || found == NULL)
    return differences;

  add_values (expected_values, expected);
  add_values (found_values, found);
  add_values (all, expected);
  add_values (all, found);
  keys = list_keys (all, compare_kinds);
  for (guint i = 0; i < keys->len; i++)
    {
      SngEnvironmentDifference difference = {
        .key = keys->pdata[i],
        .expected = g_hash_table_lookup (expected_values, keys->pdata[i]),
        .found = g_hash_table_lookup (found_values, keys->pdata[i]),
      };

      if (!is_different (&difference))
        continue;

      if (sng_environment_is_choice (difference.key) && n_choices++ >= MAX_CHOICES)
        g_array_index (differences, SngEnvironmentDifference, differences->len - 1).n_more++;
      else
        g_array_append_val (differences, difference);
    }

  return differences;
}

char *
sng_environment_difference_to_string (const SngEnvironmentDifference *self, const char *expected_name)
{
  g_autofree char *more = self->n_more > 0
                              ? g_strdup_printf (", and %u more algorithms that differ", self->n_more)
                              : g_strdup ("");

  return g_strdup_printf ("%s%s%s%s, %s %s%s", self->found != NULL ? "" : "no ", self->key,
                          self->found != NULL ? " " : "", self->found != NULL ? self->found : "",
                          expected_name, self->expected != NULL ? self->expected : "none", more);
}

gboolean
sng_environment_is_other_kind (const char *device, const char *other)
{
  gsize length = strcspn (device, ":");

  return length != strcspn (other, ":") || strncmp (device, other, length) != 0;
}
