/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "cuda/sng-cublaslt-private.h"

G_BEGIN_DECLS

/* A cuBLASLt that notes what it is asked, and computes nothing. */

#define FAKE_INTERNAL_ERROR 14
#define FAKE_N_ATTRIBUTES 13
#define FAKE_N_SETTINGS 9

typedef struct
{
  int compute_type, scale_type;
  int transposed[2];
  guint32 epilogue;
  gconstpointer bias;
} FakeOperation;

typedef struct
{
  int type;
  guint64 n_rows, n_columns;
  gint64 stride;
} FakeLayout;

typedef struct
{
  guint64 values[FAKE_N_ATTRIBUTES];
} FakePreference;

/* What the fake was asked for, and what it is to answer. */
typedef struct
{
  const char *failing;
  int n_objects;
  guint n_creates;
  guint n_searches;
  int n_choices;
  int search_status;
  gconstpointer searched_bias;
  FakePreference preference;
  guint n_products;
  FakeOperation operation;
  FakeLayout a, b, c, d;
  gconstpointer a_data, b_data, c_data, d_data;
  float alpha, beta;
  gpointer workspace;
  gsize workspace_size;
  cudaStream_t stream;
  guint64 algorithm;
  int settings[FAKE_N_SETTINGS]; /* of all algorithms but their numbers; negative: such cannot be read */
  gboolean expects_bias_of_result;
} Fake;

extern Fake fake;
extern const SngCublaslt fake_library;

G_END_DECLS
