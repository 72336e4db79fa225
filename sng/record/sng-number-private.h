/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SNG_NUMBER_BUFFER_SIZE G_ASCII_DTOSTR_BUF_SIZE

/* The shortest decimal that is read back as this very number, in every locale; "nan", "inf", "-inf". */
const char *sng_number_print (char   *buffer,
                              double  number);

/* The bits of a double, and back. */
guint64     sng_number_get_bits  (double  number);
double      sng_number_from_bits (guint64 bits);

G_END_DECLS
