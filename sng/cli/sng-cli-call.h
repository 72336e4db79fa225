/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-report-options.h"

G_BEGIN_DECLS

/* One call of a harness, and what is made of its report. */
typedef struct
{
  void       (*start)  (SngHarness           *harness,
                        GCancellable         *cancellable,
                        GAsyncReadyCallback   callback,
                        gpointer              user_data,
                        gpointer              data);
  SngReport *(*finish) (SngHarness           *harness,
                        GAsyncResult         *result,
                        gpointer              data,
                        GError              **error);
  gpointer data;
  const SngReportOptions *options;
  gboolean has_codes; /* each error of a command has an exit code of its own */
} SngCliCall;

/* Makes the call, with a bar and an ear for signals, and prints what comes of it. Takes the harness, whose temporary directory is gone
 * before anything is printed: the reader may be gone, too. Returns: the exit code */
int sng_cli_call (SngHarness       *harness,
                  const SngCliCall *call);

G_END_DECLS
