/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* Files and directories by number, of which 0 is the one on top; names lead to them, or nothing does. */
typedef struct _CrashTree CrashTree;

/* A call on what its paths meant when it was made. */
typedef struct
{
  SngStorageVerb verb;
  gboolean is_return; /* no call: here a function has told its caller that it is done */
  guint directory;    /* whose names change, or are synced */
  guint node;         /* what is made, written, synced, moved or removed */
  guint other_node;   /* of EXCHANGE */
  const char *name;
  const char *other;  /* of RENAME, EXCHANGE and LINK */
  GBytes *bytes;      /* of WRITE */
  gsize offset;
} CrashOp;

/* What becomes of a change. */
typedef enum
{
  CRASH_KEPT,
  CRASH_LOST,
  CRASH_ZEROS,        /* of a write: the file has the size, and zeros */
  CRASH_PREFIX,       /* the bytes before the cut */
  CRASH_PREFIX_ZEROS, /* these, and zeros */
  CRASH_SUFFIX        /* zeros, and the bytes from the cut on */
} CrashKind;

typedef struct
{
  CrashKind kind;
  gsize cut;
} CrashFate;

CrashTree    *crash_tree_read     (const char      *path);
/* Without what was written; with room for what the other one has besides. */
CrashTree    *crash_tree_copy     (CrashTree       *self,
                                   CrashTree       *larger);
void          crash_tree_free     (CrashTree       *self);
/* Another file or directory, to which no name leads yet. */
guint         crash_tree_add      (CrashTree       *self,
                                   gboolean         is_directory);
/* The name is interned, and is there. */
guint         crash_tree_find     (CrashTree       *self,
                                   guint            directory,
                                   const char      *name);
gsize         crash_tree_get_size (CrashTree       *self,
                                   guint            file);
/* What cannot take place does not. */
void          crash_tree_apply    (CrashTree       *self,
                                   const CrashOp   *op,
                                   CrashFate        fate);
/* Of all that names lead to. What is random in a name does not count. */
guint64       crash_tree_digest   (CrashTree       *self);
/* Makes a directory of it. */
void          crash_tree_write    (CrashTree       *self,
                                   const char      *path);

G_END_DECLS
