/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-disk-private.h"

#include "record/sng-recorder-private.h"
#include "state/sng-checkpoint-store-private.h"

static gint64
disk_perform (SngStorage *storage, const SngStorageCall *call)
{
  SngDisk *self = (SngDisk *) storage;
  gboolean is_sync = call->verb == SNG_STORAGE_SYNC || call->verb == SNG_STORAGE_SYNC_DIRECTORY;
  SngStorageCall passing = *call;

  if (self->usec > 0)
    g_usleep (self->usec);

  if (!self->is_passing)
    return sng_storage_perform (storage->next, call);

  passing.is_direct = FALSE;

  return is_sync ? 0 : sng_storage_perform (storage->next, &passing);
}

void
sng_disks_add (SngDisk disks[SNG_N_DISKS],
               SngTrainer *trainer,
               SngCheckpointStore *store,
               SngRecorder *recorder,
               guint usec,
               gboolean is_passing)
{
  SngCheckpointStore *own = sng_trainer_get_checkpoint_store (trainer);
  SngStorage **tops[SNG_N_DISKS] = {
    own != NULL ? sng_checkpoint_store_get_storage (own) : NULL,
    store != NULL ? sng_checkpoint_store_get_storage (store) : NULL,
    sng_recorder_get_storage (recorder),
  };

  for (guint i = 0; i < SNG_N_DISKS; i++)
    {
      disks[i] = (SngDisk){ { disk_perform, NULL }, tops[i], usec, is_passing };
      if (tops[i] != NULL)
        sng_storage_push (tops[i], &disks[i].storage);
    }
}

void
sng_disks_remove (SngDisk disks[SNG_N_DISKS])
{
  for (guint i = 0; i < SNG_N_DISKS; i++)
    if (disks[i].top != NULL)
      sng_storage_remove (disks[i].top, &disks[i].storage);
}
