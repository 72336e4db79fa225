/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-run-private.h"

#include "sng-error.h"

SngRun *
sng_run_new (SngMode mode, const char *name)
{
  SngRun *self = g_new0 (SngRun, 1);

  self->mode = mode;
  self->name = g_strdup (name);

  return self;
}

void
sng_run_free (SngRun *self)
{
  g_free (self->name);
  g_free (self->source);
  g_free (self->interrupt);
  g_free (self->fault);
  g_free (self->capture);
  g_free (self->failure);
  g_free (self->capture_path);
  g_free (self);
}

static void
insert_string (GVariantDict *dict, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_dict_insert (dict, key, "s", value);
}

char *
sng_run_to_text (const SngRun *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) variant = NULL;

  g_variant_dict_insert (&dict, "mode", "u", (guint32) self->mode);
  g_variant_dict_insert (&dict, "name", "s", self->name);
  insert_string (&dict, "source", self->source);
  g_variant_dict_insert (&dict, "source-step", "t", self->source_step);
  g_variant_dict_insert (&dict, "may-start-anew", "b", self->may_start_anew);
  insert_string (&dict, "interrupt", self->interrupt);
  g_variant_dict_insert (&dict, "is-left", "b", self->is_left);
  g_variant_dict_insert (&dict, "last-step", "t", self->last_step);
  g_variant_dict_insert (&dict, "saves-steps", "b", self->saves_steps);
  insert_string (&dict, "fault", self->fault);
  insert_string (&dict, "capture", self->capture);
  g_variant_dict_insert (&dict, "captures-original", "b", self->captures_original);
  insert_string (&dict, "capture-path", self->capture_path);
  g_variant_dict_insert (&dict, "capture-step", "t", self->capture_step);
  g_variant_dict_insert (&dict, "n-threads", "u", (guint32) self->n_threads);
  g_variant_dict_insert (&dict, "micro-batch-size", "u", (guint32) self->micro_batch_size);
  g_variant_dict_insert (&dict, "accumulate-grad-batches", "u", (guint32) self->accumulate_grad_batches);
  g_variant_dict_insert (&dict, "stress", "u", (guint32) self->stress);
  variant = g_variant_ref_sink (g_variant_dict_end (&dict));

  return g_variant_print (variant, TRUE);
}

SngRun *
sng_run_from_text (const char *text, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) variant = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &local_error);
  g_autoptr (SngRun) self = NULL;
  guint32 mode = G_MAXUINT32, n_threads = 0, micro_batch_size = 0, accumulate = 0, stress = 0;

  if (variant == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[harness][run] %s: \"%s\"",
                   local_error->message, text);
      return NULL;
    }

  self = sng_run_new (SNG_MODE_STOP, NULL);
  g_variant_lookup (variant, "mode", "u", &mode);
  g_variant_lookup (variant, "name", "s", &self->name);
  g_variant_lookup (variant, "source", "s", &self->source);
  g_variant_lookup (variant, "source-step", "t", &self->source_step);
  g_variant_lookup (variant, "may-start-anew", "b", &self->may_start_anew);
  g_variant_lookup (variant, "interrupt", "s", &self->interrupt);
  g_variant_lookup (variant, "is-left", "b", &self->is_left);
  g_variant_lookup (variant, "last-step", "t", &self->last_step);
  g_variant_lookup (variant, "saves-steps", "b", &self->saves_steps);
  g_variant_lookup (variant, "fault", "s", &self->fault);
  g_variant_lookup (variant, "capture", "s", &self->capture);
  g_variant_lookup (variant, "captures-original", "b", &self->captures_original);
  g_variant_lookup (variant, "capture-path", "s", &self->capture_path);
  g_variant_lookup (variant, "capture-step", "t", &self->capture_step);
  g_variant_lookup (variant, "n-threads", "u", &n_threads);
  g_variant_lookup (variant, "micro-batch-size", "u", &micro_batch_size);
  g_variant_lookup (variant, "accumulate-grad-batches", "u", &accumulate);
  g_variant_lookup (variant, "stress", "u", &stress);

  if (mode > SNG_MODE_REPEAT || self->name == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[harness][run] no mode or no name in \"%s\"",
                   text);
      return NULL;
    }

  self->mode = mode;
  self->n_threads = n_threads;
  self->micro_batch_size = micro_batch_size;
  self->accumulate_grad_batches = accumulate;
  self->stress = stress;

  return g_steal_pointer (&self);
}

const SngRun *
sng_run_find (GPtrArray *runs, const char *name)
{
  for (guint i = 0; i < runs->len; i++)
    {
      const SngRun *run = g_ptr_array_index (runs, i);

      if (g_str_equal (run->name, name))
        return run;
    }

  return NULL;
}
