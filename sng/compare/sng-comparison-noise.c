/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How far two uninterrupted runs are apart, and how far an interrupted one may therefore be.
 *
 * What tells a fault from noise is its size: a reordered sum moves a training by 1e-8, the smallest faults that are known move
 * it by 1e-4. Differences up to ten times the largest one between CONTINUOUS and REPEAT are accepted. An
 * interrupted run without a fault is as far from CONTINUOUS as REPEAT is. If the differences of a path are independent and
 * normally distributed, and it was recorded four times, the largest of the one run is more than ten times that of the other in
 * 2 of 10,000 trainings; if it was recorded ten times, in less than 1 of 100,000. A factor of four would give 77 and 0.9
 * of 10,000.
 *
 * Between two kinds of devices the noise may be sparse: a few numbers that were rounded to a neighbour, of which those of the
 * interrupted run may be others, and larger ones. So in a metric that has noise every number may be off by a few units in
 * its last place as well. A metric without any stays exact. */

#include "compare/sng-comparison-private.h"

#include <float.h>
#include <math.h>

#include "record/sng-metadata-private.h"
#include "record/sng-number-private.h"

void
sng_noisy_path_free (gpointer data)
{
  SngNoisyPath *path = data;

  sng_metadata_unref (path->entry);
  g_clear_pointer (&path->tolerance, sng_tolerance_free);
  g_free (path);
}

void
sng_compared_metric_note_noise (SngComparedMetric *self, SngMetadata *entry, double difference)
{
  SngNoisyPath *path = g_hash_table_lookup (self->noisy_by_path, entry);

  if (path == NULL)
    {
      path = g_new0 (SngNoisyPath, 1);
      path->entry = sng_metadata_ref (entry);
      g_ptr_array_add (self->noisy, path);
      g_hash_table_insert (self->noisy_by_path, path->entry, path);
    }

  if (difference <= path->floor)
    return;

  path->floor = difference;
  g_clear_pointer (&path->tolerance, sng_tolerance_free);
  path->tolerance = sng_tolerance_new (MIN (SNG_NOISE_FACTOR * difference, DBL_MAX),
                                       self->rounding != NULL ? SNG_ROUNDING : 0.0);
}

const SngNoisyPath *
sng_compared_metric_lookup_noise (const SngComparedMetric *self, SngMetadata *entry)
{
  return self->noise != NULL ? g_hash_table_lookup (self->noise->noisy_by_path, entry) : NULL;
}

const SngTolerance *
sng_compared_metric_get_tolerance (const SngComparedMetric *self, SngMetadata *entry)
{
  const SngNoisyPath *noisy = self->tolerance == NULL ? sng_compared_metric_lookup_noise (self, entry) : NULL;

  if (noisy != NULL)
    return noisy->tolerance;
  if (self->tolerance == NULL && self->noise != NULL && self->noise->noisy->len > 0)
    return self->noise->rounding;

  return self->tolerance;
}

char *
sng_compared_metric_describe_noise (const SngComparedMetric *self)
{
  char least[SNG_NUMBER_BUFFER_SIZE], most[SNG_NUMBER_BUFFER_SIZE];
  const SngNoisyPath *smallest = NULL, *largest = NULL;
  guint n_paths = self->noise != NULL ? self->noise->noisy->len : 0;
  const char *elsewhere = self->noise != NULL && self->noise->rounding != NULL
                              ? "and 8 units in the last place of an F32 everywhere"
                              : "and nothing elsewhere";

  for (guint i = 0; i < n_paths; i++)
    {
      const SngNoisyPath *path = self->noise->noisy->pdata[i];

      if (smallest == NULL || path->floor < smallest->floor)
        smallest = path;
      if (largest == NULL || path->floor > largest->floor)
        largest = path;
    }

  if (largest == NULL || self->tolerance != NULL)
    return NULL;

  if (n_paths == 1)
    return g_strdup_printf ("%s: noise %s of \"%s\"; %d times that is accepted, %s", self->name,
                            sng_number_print (most, largest->floor), sng_metadata_get_path (largest->entry),
                            SNG_NOISE_FACTOR, elsewhere);

  return g_strdup_printf (
      "%s: noise of %u paths, from %s of \"%s\" to %s of \"%s\"; %d times that of its path is "
      "accepted, %s",
      self->name, n_paths, sng_number_print (least, smallest->floor), sng_metadata_get_path (smallest->entry),
      sng_number_print (most, largest->floor), sng_metadata_get_path (largest->entry), SNG_NOISE_FACTOR,
      elsewhere);
}
