/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-fingerprint-private.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* What sng_tensor_summarize() tells beside the fingerprint. */
typedef struct
{
  double  minimum;
  double  maximum;
  double  mean;
  guint64 n_non_finite;
} SngTensorSummary;

/* The fingerprints and the summaries of n tensors, by one call for each of the devices that they live on; either may be NULL.
 * FALSE where a device has failed, so that nobody compares what it has not computed. */
gboolean sng_tensors_fingerprint     (gsize             n,
                                      SngTensor *const *tensors,
                                      SngFingerprint   *fingerprints,
                                      SngTensorSummary *summaries,
                                      GError          **error);
/* The first of n tensors that has an infinity or a NaN; n where none has. */
gboolean sng_tensors_find_non_finite (gsize             n,
                                      SngTensor *const *tensors,
                                      gsize            *index,
                                      GError          **error);

G_END_DECLS
