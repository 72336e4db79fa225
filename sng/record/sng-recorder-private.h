/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "record/sng-recorder.h"
#include "state/sng-storage-private.h"
#include "tensor/sng-tensor-fingerprint-private.h"

G_BEGIN_DECLS

/* The metric that has the number of the step. */
#define SNG_GLOBAL_STEP_METRIC "GlobalStepState"

/* What a run notes in its store when it is stopped by the recorder: after which step. */
#define SNG_STOPPED_AT_INFO "stopped-at"

/* The file in the run's directory that has the newest step, as text, for whoever waits for the run. */
#define SNG_PROGRESS_FILE "progress"

struct _SngRecorder
{
  GObject parent_instance;

  SngRunStore *store; /* NULL: nothing is recorded */
  SngStorage *storage; /* of what is captured */
  guint rank;
  GHashTable *captured; /* names of metrics */
  gboolean captures_all;
  char *place_metric;   /* the one place that is captured beside these; NULL: none */
  char *place_path;
  guint64 place_step;
  gboolean has_directory;

  /* What the environment says. */
  SngMode mode;
  char *checkpoint_dir;
  char *stop_kind; /* NULL: no stop */
  guint64 stop_at;
  int stop_signal; /* 0: by an error */
  int progress_fd; /* -1: nobody waits for it */

  /* What step() has seen. */
  guint64 last_step;
  gboolean is_stopped;
  GHashTable *declared; /* names of metrics */
  GHashTable *types;    /* of the keys that were recorded: strings that are never freed */
};

/* What it writes captured tensors to. */
SngStorage **sng_recorder_get_storage (SngRecorder *self);
/* Keeps whole what the metric has at one place; in place of an earlier call's. */
void sng_recorder_capture_place (SngRecorder *self,
                                 const char  *metric,
                                 const char  *path,
                                 guint64      step);
/* Records a tensor whose fingerprint is known. */
gboolean sng_recorder_append_tensor (SngRecorder            *self,
                                     const char             *metric,
                                     SngStage                stage,
                                     guint64                 step,
                                     gint64                  micro_batch,
                                     const char             *path,
                                     SngTensor              *tensor,
                                     const SngFingerprint   *fingerprint,
                                     const SngTensorSummary *summary,
                                     GError                **error);
/* Records all of a dictionary as a metric, in its order, each under its name behind the prefix and a slash; the prefix may be
 * NULL. The tensors are taken by one call for each device. */
gboolean sng_recorder_record_state  (SngRecorder            *self,
                                     const char             *metric,
                                     SngStage                stage,
                                     guint64                 step,
                                     gint64                  micro_batch,
                                     const char             *prefix,
                                     SngStateDict           *state,
                                     GError                **error);

G_END_DECLS
