/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-report-run-private.h"

#include "record/sng-run-store-private.h"

/**
 * SngReportRun:
 *
 * One of the runs that a [class@Sng.Report] is about: what it did, and where.
 *
 * It tells what the run recorded about itself. What a run did not record is
 * told as absent, such as the environment of one that was recorded by an
 * [class@Sng.Recorder] of your own.
 *
 * Since: 1.0
 */
struct _SngReportRun
{
  GObject parent_instance;

  char *name;
  SngMode mode;
  guint64 n_entries;
  guint64 first_step;
  guint64 last_step;
  gint64 restored_step;
  char *interrupt;
  GArray *checkpoints; /* guint64 */
  GArray *validations; /* guint64 */
  GVariant *environment;
  double seconds;
  GPtrArray *curve_names; /* in the order of declaration, with a NULL at its end */
  GHashTable *curves;     /* of a GArray of SngReportPoint, by metric */
};

G_DEFINE_FINAL_TYPE (SngReportRun, sng_report_run, G_TYPE_OBJECT)

#define VALIDATION "ValidLoss"

static void
sng_report_run_finalize (GObject *object)
{
  SngReportRun *self = SNG_REPORT_RUN (object);

  g_free (self->name);
  g_free (self->interrupt);
  g_array_unref (self->checkpoints);
  g_array_unref (self->validations);
  g_clear_pointer (&self->environment, g_variant_unref);
  g_hash_table_unref (self->curves);
  g_ptr_array_unref (self->curve_names);

  G_OBJECT_CLASS (sng_report_run_parent_class)->finalize (object);
}

static void
sng_report_run_class_init (SngReportRunClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_report_run_finalize;
}

static void
sng_report_run_init (SngReportRun *self)
{
  self->restored_step = -1;
  self->checkpoints = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->validations = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->curve_names = g_ptr_array_new_with_free_func (g_free);
  self->curves = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_array_unref);
  g_ptr_array_add (self->curve_names, NULL);
}

SngReportRun *
sng_report_run_new (SngMode mode, const char *name)
{
  SngReportRun *self = g_object_new (SNG_TYPE_REPORT_RUN, NULL);

  self->mode = mode;
  self->name = g_strdup (name != NULL ? name : sng_mode_to_string (mode));

  return self;
}

void
sng_report_run_set_entries (SngReportRun *self, guint64 n_entries, guint64 first_step, guint64 last_step)
{
  self->n_entries = n_entries;
  self->first_step = first_step;
  self->last_step = last_step;
}

void
sng_report_run_set_restored_step (SngReportRun *self, guint64 step)
{
  self->restored_step = (gint64) step;
}

void
sng_report_run_set_seconds (SngReportRun *self, double seconds)
{
  self->seconds = seconds;
}

static void
read_infos (SngReportRun *self, SngRunStore *store)
{
  g_autoptr (GVariant) name = sng_run_store_get_typed_info (store, "name", G_VARIANT_TYPE_STRING);
  g_autoptr (GVariant) interrupt = sng_run_store_get_typed_info (store, "interrupt", G_VARIANT_TYPE_STRING);
  g_autoptr (GVariant) restored =
      sng_run_store_get_typed_info (store, "restored-step", G_VARIANT_TYPE_UINT64);
  g_autoptr (GVariant) checkpoints =
      sng_run_store_get_typed_info (store, "checkpoints", G_VARIANT_TYPE ("at"));

  if (name != NULL)
    {
      g_free (self->name);
      self->name = g_variant_dup_string (name, NULL);
    }

  g_free (self->interrupt);
  self->interrupt = interrupt != NULL ? g_variant_dup_string (interrupt, NULL) : NULL;
  self->restored_step = restored != NULL ? (gint64) g_variant_get_uint64 (restored) : -1;

  g_clear_pointer (&self->environment, g_variant_unref);
  self->environment = sng_run_store_get_typed_info (store, "environment", G_VARIANT_TYPE ("a{ss}"));

  g_array_set_size (self->checkpoints, 0);
  if (checkpoints != NULL)
    {
      gsize n = 0;
      const guint64 *steps = g_variant_get_fixed_array (checkpoints, &n, sizeof *steps);

      g_array_append_vals (self->checkpoints, steps, (guint) n);
    }
}

static gboolean
is_number (SngMetadata *entry)
{
  GVariant *value = sng_metadata_get_value (entry);

  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE)
         && *sng_metadata_get_path (entry) == '\0';
}

/* Whether the metric is one number a step, or a micro-batch. Its first step tells: states of many entries are not read for
 * all steps. */
static gboolean
is_curve (SngRunStore *store, const char *metric, gboolean *is, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  guint64 first, last;

  *is = FALSE;
  if (!sng_run_store_get_step_range (store, metric, &first, &last, &local_error))
    {
      if (local_error == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  entries = sng_run_store_query (store, metric, first, first, error);
  if (entries == NULL)
    return FALSE;

  *is = TRUE;
  for (guint i = 0; i < entries->len && *is; i++)
    *is = is_number (g_ptr_array_index (entries, i));

  return TRUE;
}

/* Returns: (transfer full): one point a step, the mean over its micro-batches. */
static GArray *
make_curve (GPtrArray *entries)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (SngReportPoint));
  guint n_values = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      SngMetadata *entry = g_ptr_array_index (entries, i);
      SngReportPoint point = { sng_metadata_get_step (entry), 0.0 };
      SngReportPoint *last =
          points->len > 0 ? &g_array_index (points, SngReportPoint, points->len - 1) : NULL;

      if (!is_number (entry))
        continue;

      point.value = g_variant_get_double (sng_metadata_get_value (entry));
      if (last != NULL && last->step == point.step)
        {
          n_values++;
          last->value += (point.value - last->value) / n_values;
        }
      else
        {
          n_values = 1;
          g_array_append_val (points, point);
        }
    }

  return points;
}

static gboolean
read_curve (SngReportRun *self, SngRunStore *store, const char *metric, GError **error)
{
  g_autoptr (GPtrArray) entries = NULL;
  char *name;
  gboolean is;

  if (!is_curve (store, metric, &is, error))
    return FALSE;
  if (!is)
    return TRUE;

  entries = sng_run_store_query (store, metric, 0, G_MAXUINT64, error);
  if (entries == NULL)
    return FALSE;

  name = g_strdup (metric);
  g_ptr_array_insert (self->curve_names, (int) self->curve_names->len - 1, name);
  g_hash_table_insert (self->curves, name, make_curve (entries));

  return TRUE;
}

gboolean
sng_report_run_read (SngReportRun *self, SngRunStore *store, GError **error)
{
  g_auto (GStrv) metrics = sng_run_store_list_metrics (store, error);
  GArray *validations;

  if (metrics == NULL)
    return FALSE;

  g_hash_table_remove_all (self->curves);
  g_ptr_array_set_size (self->curve_names, 0);
  g_ptr_array_add (self->curve_names, NULL);
  for (guint i = 0; metrics[i] != NULL; i++)
    if (!read_curve (self, store, metrics[i], error))
      return FALSE;

  read_infos (self, store);
  g_array_set_size (self->validations, 0);
  validations = sng_report_run_get_curve (self, VALIDATION);
  for (guint i = 0; validations != NULL && i < validations->len; i++)
    g_array_append_val (self->validations, g_array_index (validations, SngReportPoint, i).step);

  return TRUE;
}

const char *const *
sng_report_run_list_curves (SngReportRun *self)
{
  return (const char *const *) self->curve_names->pdata;
}

GArray *
sng_report_run_get_curve (SngReportRun *self, const char *metric)
{
  return g_hash_table_lookup (self->curves, metric);
}

/**
 * sng_report_run_get_name:
 * @self: a run
 *
 * Gets the name of the run, which is that of its directory below the run
 * directory, such as `resume-000007`; else the name of its mode.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
sng_report_run_get_name (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), NULL);

  return self->name;
}

/**
 * sng_report_run_get_mode:
 * @self: a run
 *
 * Gets the part that the run played.
 *
 * Returns: the mode
 *
 * Since: 1.0
 */
SngMode
sng_report_run_get_mode (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), SNG_MODE_CONTINUOUS);

  return self->mode;
}

/**
 * sng_report_run_get_n_entries:
 * @self: a run
 *
 * Gets how many entries of the run the report looked at.
 *
 * Returns: the number of entries
 *
 * Since: 1.0
 */
guint64
sng_report_run_get_n_entries (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), 0);

  return self->n_entries;
}

/**
 * sng_report_run_get_first_step:
 * @self: a run
 *
 * Gets the first global step that the run recorded.
 *
 * Returns: the step; 0 for a run that recorded nothing
 *
 * Since: 1.0
 */
guint64
sng_report_run_get_first_step (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), 0);

  return self->first_step;
}

/**
 * sng_report_run_get_last_step:
 * @self: a run
 *
 * Gets the last global step that the run recorded.
 *
 * Returns: the step; 0 for a run that recorded nothing
 *
 * Since: 1.0
 */
guint64
sng_report_run_get_last_step (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), 0);

  return self->last_step;
}

/**
 * sng_report_run_get_restored_step:
 * @self: a run
 *
 * Gets the global step of the checkpoint that the run began with.
 *
 * Returns: the step, or -1 for a run that started anew
 *
 * Since: 1.0
 */
gint64
sng_report_run_get_restored_step (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), -1);

  return self->restored_step;
}

/**
 * sng_report_run_get_interrupt:
 * @self: a run
 *
 * Gets what ended the run before its training was over.
 *
 * Returns: (transfer none) (nullable): the interrupt as text, such as
 *   `7:kill@backward.1`, or %NULL when nothing did
 *
 * Since: 1.0
 */
const char *
sng_report_run_get_interrupt (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), NULL);

  return self->interrupt;
}

static const guint64 *
get_steps (GArray *steps, gsize *n_steps)
{
  *n_steps = steps->len;

  return (const guint64 *) (gpointer) steps->data;
}

/**
 * sng_report_run_get_checkpoints:
 * @self: a run
 * @n_checkpoints: (out): how many there are
 *
 * Gets the global steps at which the run saved a checkpoint, in the order in
 * which it did.
 *
 * Returns: (transfer none) (array length=n_checkpoints): the steps
 *
 * Since: 1.0
 */
const guint64 *
sng_report_run_get_checkpoints (SngReportRun *self, gsize *n_checkpoints)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), NULL);
  g_return_val_if_fail (n_checkpoints != NULL, NULL);

  return get_steps (self->checkpoints, n_checkpoints);
}

/**
 * sng_report_run_get_validations:
 * @self: a run
 * @n_validations: (out): how many there are
 *
 * Gets the global steps after which the run recorded the loss of a validation.
 *
 * Returns: (transfer none) (array length=n_validations): the steps, ascending
 *
 * Since: 1.0
 */
const guint64 *
sng_report_run_get_validations (SngReportRun *self, gsize *n_validations)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), NULL);
  g_return_val_if_fail (n_validations != NULL, NULL);

  return get_steps (self->validations, n_validations);
}

/**
 * sng_report_run_get_environment:
 * @self: a run
 *
 * Gets what the run ran in, such as its processor and its number of threads.
 *
 * Returns: (transfer none) (nullable): names and values, of type `a{ss}`, or
 *   %NULL when the run did not record them
 *
 * Since: 1.0
 */
GVariant *
sng_report_run_get_environment (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), NULL);

  return self->environment;
}

/**
 * sng_report_run_get_seconds:
 * @self: a run
 *
 * Gets how long the run took.
 *
 * Returns: the time from the start of its process to its end, in seconds; 0
 *   when it is not known
 *
 * Since: 1.0
 */
double
sng_report_run_get_seconds (SngReportRun *self)
{
  g_return_val_if_fail (SNG_IS_REPORT_RUN (self), 0.0);

  return self->seconds;
}
