/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

/* Tensors that tests put into a GPU's memory and save from there. */

/* F32: i ↦ i + salt */
SngTensor *tensor_fixture_new  (SngDevice *device,
                              gint64     n,
                              float      salt);
/* Until the tensor's device has done all that it was told to. */
void       tensor_fixture_synchronize (SngTensor *tensor);
