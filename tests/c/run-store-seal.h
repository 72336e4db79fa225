/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Writes the digest that the rows of a run store have by now, as somebody would who changes them on purpose: so what is
 * behind the digest is tested. The connection is left open. FALSE where the tables that it takes are not all there. */
gboolean run_store_reseal (sqlite3 *db);

G_END_DECLS
