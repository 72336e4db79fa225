/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the system is asked for. A program that has this fixture has functions of these names in place of the C library's. */
typedef enum
{
  TEST_SYSTEM_DEVICE_ALLOC, /* of the default device, for tensors and for staging them */
  TEST_SYSTEM_FCNTL,
  TEST_SYSTEM_FSTAT,
  TEST_SYSTEM_FSYNC,
  TEST_SYSTEM_MMAP,
  TEST_SYSTEM_OPENDIR,
  TEST_SYSTEM_PTHREAD_CREATE,
  TEST_SYSTEM_WRITE,
  TEST_N_SYSTEM_CALLS
} TestSystemCall;

/* After so many more calls the next one fails, once, with this errno. */
void     test_system_fail       (TestSystemCall  call,
                                 guint           n_before,
                                 int             code);
/* Whether that has happened; and nothing fails any more. */
gboolean test_system_has_failed (TestSystemCall  call);
/* Is called before each call; NULL: nothing is. */
void     test_system_watch      (TestSystemCall  call,
                                 void          (*watch) (gpointer data),
                                 gpointer        data);

G_END_DECLS
