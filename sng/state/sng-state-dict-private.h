/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-state-dict.h"
#include "tensor/sng-tensor-fingerprint-private.h"

G_BEGIN_DECLS

/* Either a tensor or a value. */
typedef struct
{
  char *name;
  SngTensor *tensor;
  SngShard *shard; /* of a tensor that is no whole one */
  GVariant *value;
} SngStateEntry;

/* NULL past the end, or where there is none of this name. */
const SngStateEntry *sng_state_dict_get_entry    (SngStateDict        *self,
                                                  guint                position);
const SngStateEntry *sng_state_dict_lookup_entry (SngStateDict        *self,
                                                  const char          *name);
/* Of the tensors alone, in their order: new arrays with an element each. See sng_tensors_fingerprint(). */
gboolean             sng_state_dict_fingerprint_tensors (SngStateDict      *self,
                                                         SngFingerprint   **fingerprints,
                                                         SngTensorSummary **summaries,
                                                         GError           **error);
/* One side of a mismatch. */
char                *sng_state_entry_describe    (const SngStateEntry *entry);

G_END_DECLS
