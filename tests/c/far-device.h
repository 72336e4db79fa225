/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* A device whose addresses are not those of the host: these are off by one. It does nothing but hold elements. */
SngDevice *far_device_new        (void);

/* After so many calls of far devices that can fail, and have not to do with a tensor of one's own, one does. */
void       far_device_fail       (guint n_before);
/* Whether it has; nothing fails from then on. */
gboolean   far_device_has_failed (void);

G_END_DECLS
