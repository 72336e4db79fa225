/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-storage-private.h"

G_BEGIN_DECLS

typedef struct
{
  SngStorageVerb verb;
  char *path;
  char *other;   /* or NULL */
  GBytes *bytes; /* of a write: what was really written */
} TestCall;

/* Stands before a storage: notes what is asked of it, and lets it fail. */
typedef struct
{
  SngStorage storage;
  SngStorage **top;
  GPtrArray *calls; /* of TestCall: those that succeeded, while is_noting */
  gboolean is_noting;
  guint n_calls; /* since it was last set to 0 */
  guint n_syncs;

  int calls_to_failure; /* the next call fails at 0; below, none does */
  int failure;          /* errno; 0: a write that takes half of the bytes, and anything else as it is */
  gboolean is_full;     /* every call after that which makes or writes fails too */

  gboolean can_exchange; /* whether it can swap two names */
  gboolean waits;        /* for the disk. Where nobody cuts the power a test need not */
  guint n_brought_back;  /* so many renames to a name that ends with ".old" are undone at once, as if by a load */
} TestDisk;

void test_disk_init (TestDisk *self, SngStorage **top);
void test_disk_clear (TestDisk *self);
/* The calls, one a line: the verb and the path below the directory, where random names are cut. */
char *test_disk_describe (TestDisk *self, const char *directory);
/* The descriptors that this process has open. */
guint test_count_descriptors (void);

G_END_DECLS
