/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "train/sng-model-checkpoint.h"

G_BEGIN_DECLS

/* What the files of SngModelCheckpoint share: sng-model-checkpoint.c is the type and its state, -ranks.c what is kept. */
typedef struct
{
  guint64 step;
  double  score;
} SngCheckpointRank;

typedef struct
{
  GArray *best;      /* of SngCheckpointRank, by ascending step */
  guint64 last_step; /* the newest one that was saved; 0: none */
} SngCheckpointRanks;

struct _SngModelCheckpoint
{
  GObject parent_instance;

  char          *directory;
  guint64        every_n_train_steps;
  gboolean       save_last;
  char          *monitor; /* NULL: nothing */
  SngMonitorMode mode;
  int            save_top_k;
  guint64        keep_every;
  gboolean       save_in_background;
  gboolean       go_on_after_error;

  SngCheckpointStore *store;

  SngCheckpointRanks ranks;
  SngCheckpointRanks before;    /* the last one was entered */
  GArray            *dropped;   /* guint64: steps that are to be removed when it is saved */
  GArray            *left_over; /* those that were not removed so far, also by a training that was killed over it */
  guint              n_left_over; /* before the last one was entered */
};

/* How many are ranked. */
guint       sng_model_checkpoint_get_n_ranked   (SngModelCheckpoint  *self);
/* Whether it has anything to remember: without a rank and without a limit everything is kept. */
gboolean    sng_model_checkpoint_has_state      (SngModelCheckpoint  *self);
const char *sng_model_checkpoint_get_monitor    (SngModelCheckpoint  *self);
/* Takes in the checkpoint of a step that is due. @score is ignored where nothing is monitored. Returns: whether to save it.
 * Then its state, which the checkpoint holds, is that of after the save, and revert or settle comes next. */
gboolean    sng_model_checkpoint_enter          (SngModelCheckpoint  *self,
                                                 guint64              step,
                                                 double               score);
/* It could not be saved: everything is as it was. */
void        sng_model_checkpoint_revert         (SngModelCheckpoint  *self);
/* What is not kept any more when it is saved: guint64. */
GArray     *sng_model_checkpoint_dup_superseded (SngModelCheckpoint  *self);
/* It is saved, or on its way to be. What was not removed is left for the next save. */
void        sng_model_checkpoint_settle         (SngModelCheckpoint  *self,
                                                 gboolean             is_removed);

G_END_DECLS
