/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state-fixture.h"
#include "storage-fixture.h"

G_BEGIN_DECLS

typedef struct
{
  char *directory;
  SngCheckpointStore *store; /* in a directory in it that is not there yet */
  TestDisk disk;             /* before what the store writes to */
} Fixture;

/* With data, the file system cannot swap two names. */
void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/* A small one whose contents depend on the step and the salt. */
SngCheckpoint *new_checkpoint (guint64 step, gint64 salt);
/* A file in a checkpoint, or with NULL the checkpoint; or anything else in the store's directory. */
char *get_path (Fixture *fixture, const char *name, const char *file);
void save (Fixture *fixture, guint64 step, gint64 salt);
/* The newest that verifies is this one, with this many others passed over. */
char **assert_latest (Fixture *fixture, guint64 step, gint64 salt, guint n_refused);
gboolean holds (Fixture *fixture, guint64 step, gint64 salt);
/* Sorted, and hidden ones too. */
char **list_names (const char *path);
void assert_names (const char *path, const char *const *expected);

G_END_DECLS
