/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "crash-tree.h"
#include "storage-fixture.h"

G_BEGIN_DECLS

/* What a loss of power may leave of calls that change a file system, by what POSIX promises and no more.
 *
 * fsync of a file makes the writes to it durable, not its name; fsync of a directory makes the changes of the names in it
 * durable, not what they lead to. Each of these changes happens as a whole. Whatever is not durable may be lost, each
 * change by itself and in any order; of a write any part of blocks of 512 bytes, with the file's size or without. */

typedef struct
{
  char *directory;
  CrashTree *before;
  CrashTree *now;
  GPtrArray *ops;     /* of CrashOp */
  gboolean is_coarse; /* of a write some parts are taken at random, and not each */
} CrashRecord;

/* A state after a crash at some call, so many functions having returned before; FALSE to have no more of them. */
typedef gboolean (*CrashFunc) (CrashTree *tree, guint n_returned, gpointer data);

/* What is below the directory by now is durable. */
CrashRecord *crash_record_new    (const char   *directory);
void         crash_record_free   (CrashRecord  *self);
/* Takes calls over, which must all be below the directory. */
void         crash_record_take   (CrashRecord  *self,
                                  TestDisk     *disk);
void         crash_record_return (CrashRecord  *self);
/* Goes over the crashes after ops number from and later ones; FALSE where func has ended it. The ops may be in another
 * order than that of the record. What cannot take place in a state does not. */
gboolean     crash_enumerate     (CrashRecord  *self,
                                  GPtrArray    *ops,
                                  guint         from,
                                  CrashFunc     func,
                                  gpointer      data);
char        *crash_op_describe   (const CrashOp *op);
gboolean     crash_op_is_sync    (const CrashOp *op);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CrashRecord, crash_record_free)

G_END_DECLS
