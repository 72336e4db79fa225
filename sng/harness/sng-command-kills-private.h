/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-report-private.h"
#include "harness/sng-command-harness-private.h"

G_BEGIN_DECLS

/* A line of the log that the preloaded library writes (sng/shim/sng-shim-private.h). */
typedef struct
{
  guint64 number;
  char   *name;  /* "rename" */
  char   *path;  /* relative to the directory whose operations are counted */
  char   *other; /* the second one; NULL: there is one */
} SngCommandOperation;

/* sng-command-kills.c: the environment in which a run's operations are counted, where they are. */
gboolean   sng_command_count_operations (SngCommandHarness    *self,
                                         const SngRun         *run,
                                         GSubprocessLauncher  *launcher,
                                         GError              **error);
/* Whether the run came to the operation that it was to be killed before. */
gboolean   sng_command_was_killed       (SngCommandHarness    *self,
                                         const SngRun         *run);
/* SngCommandOperation, in the order of their numbers. */
GPtrArray *sng_command_list_operations  (SngCommandHarness    *self,
                                         const SngRun         *run);

/* sng-command-kills-judge.c: what became of the kill of STOP before the operation at this place of those that CONTINUOUS
 * made. */
SngKillResult *sng_command_judge_kill   (SngCommandHarness         *self,
                                         const SngRun              *continuous,
                                         const SngRun              *stop,
                                         const SngRun              *resume,
                                         GPtrArray                 *operations,
                                         guint                      place,
                                         GError                   **error);
/* The metrics in which CONTINUOUS and REPEAT differ are not deterministic. */
SngReport     *sng_command_judge_repeat (SngCommandHarness         *self,
                                         const SngRun              *continuous,
                                         const SngRun              *repeat,
                                         GError                   **error);

G_END_DECLS
