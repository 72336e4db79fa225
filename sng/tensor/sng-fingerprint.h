/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)
# error "Only <sng.h> can be included directly."
#endif

#include <glib-object.h>
#include "sng-version.h"

G_BEGIN_DECLS

#define SNG_TYPE_FINGERPRINT (sng_fingerprint_get_type ())

/* 128 bits over dtype, shape and bytes; boxed, immutable, opaque to users (fields in sng-fingerprint-private.h). */
typedef struct _SngFingerprint SngFingerprint;

SNG_AVAILABLE_IN_1_0
GType           sng_fingerprint_get_type        (void) G_GNUC_CONST;
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_fingerprint_new_from_string (const char            *string,
                                                 GError               **error);
SNG_AVAILABLE_IN_1_0
SngFingerprint *sng_fingerprint_copy            (const SngFingerprint  *self);
SNG_AVAILABLE_IN_1_0
void            sng_fingerprint_free            (SngFingerprint        *self);
SNG_AVAILABLE_IN_1_0
gboolean        sng_fingerprint_equal           (const SngFingerprint  *a,
                                                 const SngFingerprint  *b);
SNG_AVAILABLE_IN_1_0
char           *sng_fingerprint_to_string       (const SngFingerprint  *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngFingerprint, sng_fingerprint_free)

G_END_DECLS
