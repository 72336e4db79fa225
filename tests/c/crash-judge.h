/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "checkpoint-fixture.h"

G_BEGIN_DECLS

#define CRASH_NO_LATEST -1

/* A checkpoint, by the salts that it may have. Not 0. */
typedef struct
{
  guint64 step;
  gint64 salts[2];
  gboolean may_lack;
} CrashHeld;

/* What a store holds before or after a call. What is 0 is not there. */
typedef struct
{
  CrashHeld held[4];
  gint64 latest[2]; /* what that may name */
} CrashOutcome;

/* Two small states, of which one has a file of several pages. */
SngCheckpoint *crash_checkpoint_new  (guint64              step,
                                      gint64               salt);
/* What one of several ranks has of it: some rows of the large tensor, and all else. */
SngCheckpoint *crash_part_new        (guint64              step,
                                      gint64               salt,
                                      guint                rank,
                                      guint                n_ranks);
/* What is wrong with the store "deep/checkpoints" below root after a crash in a call that leads from the one to the other,
 * or NULL. What is loaded is the latest of the one or of the other, whatever is there is whole, and what the call does not
 * change is there. */
char          *crash_judge_store     (const char          *root,
                                      const CrashOutcome  *before,
                                      const CrashOutcome  *after);
/* The same of the file "file" below root, which holds the tensors of the one held checkpoint. */
char          *crash_judge_file      (const char          *root,
                                      const CrashOutcome  *before,
                                      const CrashOutcome  *after);
/* What is wrong with the next save to that store, or NULL. */
char          *crash_judge_next_save (const char          *root);

G_END_DECLS
