/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-recorder.h"

G_BEGIN_DECLS

/* Records what a result file holds, as entries of the metric at (TRAIN, step, -1). What is compared later is the content, as
 * far as the format is known by the name:
 *
 *   .safetensors  each tensor under its name, and the metadata under "__metadata__.KEY"
 *   .npy          the array under "": row-major or Fortran order is the same content
 *   .json         each leaf under its path, "a.b.0"; the order of the members does not count
 *   .csv          each cell under "ROW.COLUMN"
 *   any other     its bytes, as a U8 tensor under ""
 *
 * A file that is not what its name says is recorded by its bytes, and "not-parsed" says why. Of large JSON and CSV files parts
 * become tensors. A link is followed only to a file below its own directory, and where it leads is recorded, too, as ".link". The
 * file is mapped: it must not be cut in the meantime. */
gboolean sng_recorder_record_file (SngRecorder  *self,
                                   const char   *metric,
                                   guint64       step,
                                   const char   *file,
                                   GError      **error);

G_END_DECLS
