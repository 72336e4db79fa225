/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What changes a file system, and nothing else in the folder does. */
typedef enum
{
  SNG_STORAGE_CREATE,           /* a new file, to be written; the result is its descriptor */
  SNG_STORAGE_WRITE,            /* at the end of it; the result is how many bytes were */
  SNG_STORAGE_SYNC,             /* of a file's contents */
  SNG_STORAGE_CLOSE,            /* the descriptor is gone whatever the result */
  SNG_STORAGE_LINK,             /* path gets the second name other */
  SNG_STORAGE_MAKE_DIRECTORY,
  SNG_STORAGE_RENAME,           /* path to other, in place of a file that is there */
  SNG_STORAGE_EXCHANGE,         /* path and other, in one moment */
  SNG_STORAGE_REMOVE,           /* a file or a link */
  SNG_STORAGE_REMOVE_DIRECTORY, /* an empty one */
  SNG_STORAGE_SYNC_DIRECTORY    /* of the names in it */
} SngStorageVerb;

typedef struct
{
  SngStorageVerb verb;
  const char *path;
  const char *other;  /* of LINK, RENAME and EXCHANGE */
  int fd;             /* of WRITE, SYNC and CLOSE */
  gconstpointer data; /* of WRITE */
  gsize n_bytes;
  gboolean is_direct; /* of WRITE: it may go past the page cache. Data, place in the file and size are multiples of 4096 */
} SngStorageCall;

/* Performs calls. It is embedded in whatever stands before another one, to note the calls, to let them fail, or to end the
 * process in their midst, and hands on what it does not do itself. Calls come one at a time, not always from the same thread. */
typedef struct _SngStorage SngStorage;

struct _SngStorage
{
  /* The result, or -errno. */
  gint64 (*perform) (SngStorage           *self,
                     const SngStorageCall *call);
  SngStorage *next; /* NULL for the file system itself */
};

/* The file system. */
SngStorage *sng_storage_get_posix  (void);
gint64      sng_storage_perform    (SngStorage            *self,
                                    const SngStorageCall  *call);
/* Again where a signal has interrupted it; but of a file that is closed nobody knows more after a second try. */
gint64      sng_storage_insist     (SngStorage            *self,
                                    SngStorageCall         call);
/* Puts one before all that are there, and takes it away wherever it is by then. */
void        sng_storage_push       (SngStorage           **top,
                                    SngStorage            *storage);
void        sng_storage_remove     (SngStorage           **top,
                                    SngStorage            *storage);
/* "create", "write" and so on. */
const char *sng_storage_verb_name  (SngStorageVerb         verb);

G_END_DECLS
