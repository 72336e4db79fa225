/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-metadata.h"

G_BEGIN_DECLS

/* The name of the one tensor in a captured tensor's file. */
#define SNG_METADATA_CAPTURED_TENSOR "tensor"

/* Either value is set, or fingerprint and what goes with it. The dictionary is made only when somebody asks for it:
 * hundreds of entries are recorded at each step. */
struct _SngMetadata
{
  gatomicrefcount ref_count;
  SngStage        stage;
  guint64         step;
  gint64          micro_batch;
  guint           rank;
  char           *metric;
  char           *path;

  GVariant *value;

  SngDtype dtype;
  guint    n_dims;
  gint64  *shape;
  char    *fingerprint;
  double   minimum;
  double   maximum;
  double   mean;
  guint64  n_non_finite;
  char    *capture;
};

/* The key alone; the caller sets what was recorded, and owns the result. */
SngMetadata *sng_metadata_alloc            (const char   *metric,
                                            SngStage      stage,
                                            guint64       step,
                                            gint64        micro_batch,
                                            guint         rank,
                                            const char   *path);
GVariant    *sng_metadata_normalise_value  (GVariant     *value,
                                            GError      **error);
gboolean     sng_metadata_parse_stage      (const char   *string,
                                            SngStage     *stage);

G_END_DECLS
