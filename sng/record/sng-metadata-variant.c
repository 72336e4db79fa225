/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An entry as a dictionary: reading one that came from outside, and writing it. */

#include "record/sng-metadata-private.h"

#include <math.h>
#include <string.h>

#include "sng-error.h"

#define SNG_METADATA_VERSION 1

gboolean
sng_metadata_parse_stage (const char *string, SngStage *stage)
{
  for (guint i = SNG_STAGE_TRAIN; i <= SNG_STAGE_VALIDATE; i++)
    {
      if (g_strcmp0 (string, sng_stage_to_string (i)) == 0)
        {
          *stage = i;
          return TRUE;
        }
    }

  return FALSE;
}

/* Languages choose the width of an integer for their users, so every integer counts as the same type. */
static GVariant *
normalise_integer (GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BYTE:
      return g_variant_new_int64 (g_variant_get_byte (value));
    case G_VARIANT_CLASS_INT16:
      return g_variant_new_int64 (g_variant_get_int16 (value));
    case G_VARIANT_CLASS_UINT16:
      return g_variant_new_int64 (g_variant_get_uint16 (value));
    case G_VARIANT_CLASS_INT32:
      return g_variant_new_int64 (g_variant_get_int32 (value));
    case G_VARIANT_CLASS_UINT32:
      return g_variant_new_int64 (g_variant_get_uint32 (value));
    case G_VARIANT_CLASS_INT64:
      return g_variant_new_int64 (g_variant_get_int64 (value));
    case G_VARIANT_CLASS_UINT64:
      if (g_variant_get_uint64 (value) > G_MAXINT64)
        return g_variant_new_uint64 (g_variant_get_uint64 (value));
      return g_variant_new_int64 ((gint64) g_variant_get_uint64 (value));
    default:
      return NULL;
    }
}

/* Takes a floating value; returns a full reference. */
GVariant *
sng_metadata_normalise_value (GVariant *value, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  GVariant *integer;

  while (g_variant_is_of_type (owned, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inner = g_variant_get_variant (owned);

      g_variant_unref (owned);
      owned = inner;
    }

  integer = normalise_integer (owned);
  if (integer != NULL)
    return g_variant_ref_sink (integer);

  if (strchr (g_variant_get_type_string (owned), 'h') != NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[record][metadata] key \"value\": a file handle (type \"%s\") cannot be recorded",
                   g_variant_get_type_string (owned));
      return NULL;
    }

  return g_variant_get_normal_form (owned);
}

static gboolean
refuse_key (GError **error, const char *key, const char *problem, GVariant *value)
{
  g_autofree char *printed = value != NULL ? g_variant_print (value, TRUE) : NULL;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[record][metadata] key \"%s\": %s%s%s", key,
               problem, printed != NULL ? ", not " : "", printed != NULL ? printed : "");
  return FALSE;
}

static gboolean
read_integer (GVariant *entry,
              const char *key,
              gboolean required,
              gint64 minimum,
              gint64 maximum,
              gint64 *number,
              GError **error)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, key, NULL);
  g_autoptr (GVariant) integer = NULL;
  g_autofree char *problem = NULL;

  if (value == NULL)
    return required ? refuse_key (error, key, "is missing", NULL) : TRUE;

  integer = normalise_integer (value);
  if (integer != NULL)
    g_variant_ref_sink (integer);

  if (integer == NULL || !g_variant_is_of_type (integer, G_VARIANT_TYPE_INT64)
      || g_variant_get_int64 (integer) < minimum || g_variant_get_int64 (integer) > maximum)
    {
      problem = g_strdup_printf ("must be an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, minimum,
                                 maximum);
      return refuse_key (error, key, problem, value);
    }

  *number = g_variant_get_int64 (integer);
  return TRUE;
}

static gboolean
read_double (GVariant *entry, const char *key, double *number, GError **error)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, key, NULL);
  gint64 integer = 0;

  *number = NAN;
  if (value == NULL)
    return TRUE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    {
      *number = g_variant_get_double (value);
      return TRUE;
    }

  if (!read_integer (entry, key, FALSE, G_MININT64, G_MAXINT64, &integer, NULL))
    return refuse_key (error, key, "must be a number", value);

  *number = (double) integer;
  return TRUE;
}

static gboolean
read_string (GVariant *entry, const char *key, gboolean required, char **string, GError **error)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, key, NULL);

  if (value == NULL)
    return required ? refuse_key (error, key, "is missing", NULL) : TRUE;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return refuse_key (error, key, "must be a string", value);

  *string = g_variant_dup_string (value, NULL);
  return TRUE;
}

static gboolean
read_shape (GVariant *entry, SngMetadata *self, GError **error)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, "shape", NULL);

  if (value == NULL)
    return refuse_key (error, "shape", "is missing", NULL);

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY))
    return refuse_key (error, "shape", "must be an array of integers", value);

  self->n_dims = g_variant_n_children (value);
  self->shape = g_new0 (gint64, MAX (self->n_dims, 1));

  for (guint i = 0; i < self->n_dims; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) size = sng_metadata_normalise_value (child, NULL);

      if (size == NULL || !g_variant_is_of_type (size, G_VARIANT_TYPE_INT64)
          || g_variant_get_int64 (size) < 0)
        return refuse_key (error, "shape", "must be an array of integers from 0", value);

      self->shape[i] = g_variant_get_int64 (size);
    }

  return TRUE;
}

static gboolean
read_tensor (GVariant *entry, SngMetadata *self, GError **error)
{
  g_autofree char *dtype = NULL;
  g_autoptr (SngFingerprint) fingerprint = NULL;
  gint64 n_non_finite = 0;

  if (!read_string (entry, "dtype", TRUE, &dtype, error) || !read_shape (entry, self, error)
      || !read_string (entry, "fingerprint", TRUE, &self->fingerprint, error)
      || !read_double (entry, "minimum", &self->minimum, error)
      || !read_double (entry, "maximum", &self->maximum, error)
      || !read_double (entry, "mean", &self->mean, error)
      || !read_integer (entry, "non-finite", FALSE, 0, G_MAXINT64, &n_non_finite, error)
      || !read_string (entry, "capture", FALSE, &self->capture, error))
    return FALSE;

  if (!sng_dtype_from_name (dtype, &self->dtype))
    {
      g_autofree char *problem = g_strdup_printf ("there is no dtype \"%s\"", dtype);

      return refuse_key (error, "dtype", problem, NULL);
    }

  fingerprint = sng_fingerprint_new_from_string (self->fingerprint, NULL);
  if (fingerprint == NULL)
    {
      g_autofree char *problem = g_strdup_printf ("\"%s\" is no fingerprint", self->fingerprint);

      return refuse_key (error, "fingerprint", problem, NULL);
    }

  g_free (self->fingerprint);
  self->fingerprint = sng_fingerprint_to_string (fingerprint);
  self->n_non_finite = n_non_finite;
  return TRUE;
}

/* A misspelt key would silently become its default, so an unknown one is refused. */
static gboolean
check_keys (GVariant *entry, GError **error)
{
  static const char *const common[] = { "version",     "metric", "stage", "step",
                                        "micro-batch", "rank",   "path",  NULL };
  static const char *const of_value[] = { "value", NULL };
  static const char *const of_tensor[] = { "dtype", "shape",      "fingerprint", "minimum", "maximum",
                                           "mean",  "non-finite", "capture",     NULL };
  g_autoptr (GVariant) value = g_variant_lookup_value (entry, "value", NULL);
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, entry);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL))
    {
      if (g_strv_contains (common, key) || g_strv_contains (value != NULL ? of_value : of_tensor, key))
        continue;

      return refuse_key (error, key,
                         g_strv_contains (of_tensor, key) ? "cannot stand beside \"value\"" : "is not known",
                         NULL);
    }

  return TRUE;
}

/**
 * sng_metadata_new:
 * @entry: an `a{sv}`, with the keys that [struct@Sng.Metadata] lists; a floating
 *   reference is taken
 * @error: return location for a #GError
 *
 * Makes an entry from a dictionary. Any integer type will do where an integer is
 * asked for, and an integer value is kept as a signed one of 64 bits (one beyond
 * these as unsigned), since dynamic languages choose the type for their users.
 *
 * Returns: (transfer full): the entry, or %NULL with %SNG_ERROR_INVALID_DATA when a
 *   key is missing, unknown or of the wrong type; the message names the key
 *
 * Since: 1.0
 */
SngMetadata *
sng_metadata_new (GVariant *entry, GError **error)
{
  g_autoptr (GVariant) owned = NULL;
  g_autoptr (SngMetadata) self = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autofree char *stage = NULL;
  gint64 version = SNG_METADATA_VERSION, step = 0, rank = 0;

  g_return_val_if_fail (entry != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  owned = g_variant_ref_sink (entry);

  if (!g_variant_is_of_type (owned, G_VARIANT_TYPE_VARDICT))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA,
                   "[record][metadata] an entry must be of type \"a{sv}\", not \"%s\"",
                   g_variant_get_type_string (owned));
      return NULL;
    }

  self = sng_metadata_alloc (NULL, SNG_STAGE_TRAIN, 0, -1, 0, NULL);

  if (!read_integer (owned, "version", FALSE, 1, SNG_METADATA_VERSION, &version, error)
      || !check_keys (owned, error) || !read_string (owned, "metric", TRUE, &self->metric, error)
      || !read_string (owned, "stage", TRUE, &stage, error)
      || !read_integer (owned, "step", TRUE, 0, G_MAXINT64, &step, error)
      || !read_integer (owned, "micro-batch", FALSE, -1, G_MAXINT64, &self->micro_batch, error)
      || !read_integer (owned, "rank", FALSE, 0, G_MAXUINT32, &rank, error)
      || !read_string (owned, "path", TRUE, &self->path, error))
    return NULL;

  if (*self->metric == '\0')
    {
      refuse_key (error, "metric", "is empty", NULL);
      return NULL;
    }

  if (!sng_metadata_parse_stage (stage, &self->stage))
    {
      g_autofree char *problem = g_strdup_printf ("must be \"train\" or \"validate\", not \"%s\"", stage);

      refuse_key (error, "stage", problem, NULL);
      return NULL;
    }

  self->step = step;
  self->rank = rank;

  value = g_variant_lookup_value (owned, "value", NULL);
  if (value != NULL)
    {
      self->value = sng_metadata_normalise_value (value, error);
      if (self->value == NULL)
        return NULL;
    }
  else if (!read_tensor (owned, self, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * sng_metadata_to_variant:
 * @self: an entry
 *
 * Writes the entry as a dictionary: the one that [ctor@Sng.Metadata.new] would make
 * an equal entry of.
 *
 * Returns: (transfer full): an `a{sv}`, not floating
 *
 * Since: 1.0
 */
GVariant *
sng_metadata_to_variant (SngMetadata *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_return_val_if_fail (self != NULL, NULL);

  g_variant_dict_insert (&dict, "version", "x", (gint64) SNG_METADATA_VERSION);
  g_variant_dict_insert (&dict, "metric", "s", self->metric);
  g_variant_dict_insert (&dict, "stage", "s", sng_stage_to_string (self->stage));
  g_variant_dict_insert (&dict, "step", "x", (gint64) self->step);
  g_variant_dict_insert (&dict, "micro-batch", "x", self->micro_batch);
  g_variant_dict_insert (&dict, "rank", "x", (gint64) self->rank);
  g_variant_dict_insert (&dict, "path", "s", self->path);

  if (self->value != NULL)
    {
      g_variant_dict_insert_value (&dict, "value", self->value);
    }
  else
    {
      g_variant_dict_insert (&dict, "dtype", "s", sng_dtype_get_name (self->dtype));
      g_variant_dict_insert_value (
          &dict, "shape",
          g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, self->shape, self->n_dims, sizeof (gint64)));
      g_variant_dict_insert (&dict, "fingerprint", "s", self->fingerprint);
      g_variant_dict_insert (&dict, "minimum", "d", self->minimum);
      g_variant_dict_insert (&dict, "maximum", "d", self->maximum);
      g_variant_dict_insert (&dict, "mean", "d", self->mean);
      g_variant_dict_insert (&dict, "non-finite", "x", (gint64) self->n_non_finite);
      if (self->capture != NULL)
        g_variant_dict_insert (&dict, "capture", "s", self->capture);
    }

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
