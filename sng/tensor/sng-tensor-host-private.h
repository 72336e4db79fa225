/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* The tensor itself where the processor can read its elements in row-major order without gaps, else a read-only copy there. */
SngTensor *sng_tensor_ref_host (SngTensor  *self,
                                GError    **error);

G_END_DECLS
