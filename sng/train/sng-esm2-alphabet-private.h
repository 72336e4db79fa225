/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The 33 tokens of ESM-2 (Lin and others: Evolutionary-scale prediction of atomic-level protein structure, Science
 * 2023). */
#define SNG_ESM2_CLS 0
#define SNG_ESM2_PAD 1
#define SNG_ESM2_EOS 2
#define SNG_ESM2_UNK 3
#define SNG_ESM2_FIRST_RESIDUE 4
#define SNG_ESM2_N_RESIDUES 20 /* the standard amino acids come first */
#define SNG_ESM2_MASK 32
#define SNG_ESM2_N_TOKENS 33

#define SNG_ESM2_LETTERS "LAGVSERTIDPKQNFYMHWCXBUZO.-" /* tokens 4 to 30 */

/* Returns: the token of a letter in either case, or -1 */
int sng_esm2_alphabet_look_up (char letter);

G_END_DECLS
