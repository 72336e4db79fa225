/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-error.h"
#include "state/sng-safetensors-private.h"

G_BEGIN_DECLS

/* A tensor as the header describes it. Nothing is said yet of whether dtype, shape and offsets go together. */
typedef struct
{
  char    *name;
  guint    position; /* in the header */
  SngDtype dtype;
  guint    n_dims;
  guint    first_dim; /* in the dims of the header */
  guint64  begin;
  guint64  end;
} SngSafetensorsItem;

typedef struct
{
  GArray   *items; /* SngSafetensorsItem, in the order of the header */
  GArray   *dims;  /* guint64, those of all items */
  GVariant *metadata; /* a{ss}, or NULL where there is none */
} SngSafetensorsHeader;

SngSafetensorsHeader *sng_safetensors_header_parse (const char            *text,
                                                    gsize                  length,
                                                    const char            *path,
                                                    GError               **error);
void                  sng_safetensors_header_free  (SngSafetensorsHeader  *self);

/* Sets the error "[safetensors][load] PATH: tensor 'NAME': WHAT"; without a tensor "PATH: WHAT". Returns FALSE. */
gboolean              sng_safetensors_refuse       (GError               **error,
                                                    SngError               code,
                                                    const char            *path,
                                                    const char            *tensor,
                                                    const char            *format,
                                                    ...) G_GNUC_PRINTF (5, 6);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SngSafetensorsHeader, sng_safetensors_header_free)

G_END_DECLS
