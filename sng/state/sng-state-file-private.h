/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "state/sng-storage-private.h"

G_BEGIN_DECLS

/* A new file that is being written. Until it is finished it is not there: freeing it takes it away. Its contents come in pieces
 * of any size, and go to the storage in large ones, of which a thread writes one while the next one is gathered. */
typedef struct _SngStateFile SngStateFile;

SngStateFile *sng_state_file_create       (SngStorage     *storage,
                                           const char     *path,
                                           GError        **error);
gboolean      sng_state_file_write        (SngStateFile   *self,
                                           gconstpointer   data,
                                           gsize           n_bytes,
                                           GError        **error);
/* Makes it durable. */
gboolean      sng_state_file_finish       (SngStateFile   *self,
                                           GError        **error);
void          sng_state_file_free         (SngStateFile   *self);

/* Gives memory back that is kept from one file to the next, at most 128 MiB. A store does when it goes. */
void          sng_state_file_trim         (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngStateFile, sng_state_file_free)

G_END_DECLS
