/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <sng.h>

G_BEGIN_DECLS

/* A stateful that fails on demand, with an error or, as an exception in another language does, without one. */
typedef enum
{
  FAULT_NONE,
  FAULT_GET,
  FAULT_GET_SILENT,
  FAULT_CHECK,
  FAULT_CHECK_SILENT,
  FAULT_SET,
  FAULT_SET_SILENT,
  FAULT_CHECK_UNDECIDED /* it has an error, and says that all is well */
} Fault;

#define TEST_TYPE_STATEFUL (test_stateful_get_type ())
G_DECLARE_FINAL_TYPE (TestStateful, test_stateful, TEST, STATEFUL, GObject)

struct _TestStateful
{
  GObject parent_instance;

  Fault fault;
  gint64 number;
  SngTensor *weights; /* F32 [2, 3] */
  guint n_set;
};

TestStateful *test_stateful_new (gint64 number);

/* Implements the interface and none of its functions. */
#define TEST_TYPE_BARE (test_bare_get_type ())
G_DECLARE_FINAL_TYPE (TestBare, test_bare, TEST, BARE, GObject)

struct _TestBare
{
  GObject parent_instance;
};

/* Byte j is 37 j + 11, or j's last bit for bool: as in data/safetensors/generate.py. */
SngTensor *fixture_tensor (SngDtype dtype, guint n_dims, const gint64 *shape);
char *fixture_make_tmp (void);
void fixture_remove (const char *path);
/* Without waiting for the disk. */
void fixture_write (const char *path, gconstpointer contents, gsize n_bytes);

/* An error of this code whose message has these words. */
#define fixture_assert_error(error, wanted, words)                                                           \
 G_STMT_START                                                                                                \
 {                                                                                                           \
  g_assert_error (error, SNG_ERROR, wanted);                                                                 \
  if (strstr ((error)->message, words) == NULL)                                                              \
   g_error ("\"%s\" does not say \"%s\"", (error)->message, words);                                          \
  g_clear_error (&(error));                                                                                  \
 }                                                                                                           \
 G_STMT_END

G_END_DECLS
