/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* The step of every checkpoint that is made here. */
#define FUZZ_STEP 7
#define FUZZ_MAX_RANKS 3
#define FUZZ_N_FLUSHES 2

/* What a target defines: libFuzzer's interface. Without libFuzzer fuzz-main.c calls it with the files of the corpus. A
 * finding ends the process by SIGABRT: a critical or a warning, a failed assertion, what a sanitizer sees. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* A directory of this process alone, which is made at the first call. */
const char *fuzz_get_directory (void);
/* Writes a file of that directory, as a new one: what is still mapped of an older one stays. Returns its path. */
char *fuzz_write (const char *name, gconstpointer data, gsize size);
/* Takes away what is in the directory below this name, if there is anything. */
void fuzz_remove (const char *name);
/* The file system, where nobody waits for the disk. */
SngStorage *fuzz_get_storage (void);

/* What was refused has told why: in the domain of libsng, with a place and in UTF-8. */
void fuzz_assert_refused (GError *error);
/* Notes that the input was taken for what it claims to be. A corpus of which nothing is taken tests nothing. */
void fuzz_note_taken (void);
guint fuzz_get_n_taken (void);

/* Looks at everything that a run store's file holds, if it is one, and compares it with itself. FALSE: it is none. */
gboolean fuzz_look_at_store (const char *path);
/* Writes the digest of the rows that are in a run store, since no fuzzer finds that by chance. Where there is a log, it
 * stays one. */
void fuzz_reseal_store (const char *path);
/* The command "sng", with its output thrown away. FALSE: it failed, and has said why. */
gboolean fuzz_run_show (const char *path);
gboolean fuzz_run_diff (const char *first, const char *second);
/* FALSE: it found damage, or failed. */
gboolean fuzz_run_verify (const char *path);

/* Files of libsng itself: what a corpus starts from, and what a target lays an input beside. */
void fuzz_make_safetensors (const char *path);
/* A directory "checkpoint" in @directory. */
char *fuzz_make_checkpoint (const char *directory);
/* A directory "ranks-2" in @directory, of that many ranks. */
char *fuzz_make_ranks (const char *directory, guint n_ranks);
/* The manifests of the ranks in a directory: of GString. */
GPtrArray *fuzz_read_ranks (const char *directory, guint n_ranks);
void fuzz_free_string (gpointer string);
/* Without a page that is not needed, so that an input is small. */
void fuzz_make_run_store (const char *path);
/* One whose writer was killed: an entry a flush is in the log beside it. */
void fuzz_make_open_store (const char *path);

G_END_DECLS
