/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#define SNG_INSIDE

#include "sng-version.h"
#include "sng-error.h"

#include "sng-enum-types.h"

#undef SNG_INSIDE
