/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

/* What tests of a state in a GPU's memory, and of what is saved of it, have in common. */

/* F32: i ↦ i + salt */
SngTensor *state_new_tensor  (SngDevice *device,
                              gint64     n,
                              float      salt);
/* Until the tensor's device has done all that it was told to. */
void       state_synchronize (SngTensor *tensor);

char *state_make_directory   (void);
/* With all that is in it; takes the name. */
void  state_remove_directory (char *directory);
