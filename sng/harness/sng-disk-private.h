/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-recorder.h"
#include "state/sng-storage-private.h"
#include "train/sng-trainer.h"

G_BEGIN_DECLS

/* What stands before the file system in all that a run writes with a storage. */
typedef struct
{
  SngStorage storage;
  SngStorage **top;   /* that it was put before; NULL: none */
  guint usec;         /* by which every call is held up */
  gboolean is_passing; /* nothing waits for the disk: it need not outlive the machine */
} SngDisk;

/* The trainer's checkpoints, those of a store or NULL, and what the recorder captures. */
#define SNG_N_DISKS 3

void sng_disks_add    (SngDisk             disks[SNG_N_DISKS],
                       SngTrainer         *trainer,
                       SngCheckpointStore *store,
                       SngRecorder        *recorder,
                       guint               usec,
                       gboolean            is_passing);
void sng_disks_remove (SngDisk             disks[SNG_N_DISKS]);

G_END_DECLS
