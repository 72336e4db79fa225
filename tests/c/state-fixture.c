/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "state-fixture.h"

#include <glib/gstdio.h>

static void stateful_iface_init (SngStatefulInterface *iface);
static void bare_iface_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TestStateful,
                               test_stateful,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, stateful_iface_init))

G_DEFINE_FINAL_TYPE_WITH_CODE (TestBare,
                               test_bare,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, bare_iface_init))

/* Whether a function that has these two faults must fail. */
static gboolean
fails (TestStateful *self, Fault loud, GError **error)
{
  if (self->fault == loud)
    g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[test] planted fault %d", loud);

  return self->fault == loud || self->fault == loud + 1;
}

static SngStateDict *
test_stateful_get_state (SngStateful *stateful, GError **error)
{
  TestStateful *self = TEST_STATEFUL (stateful);
  SngStateDict *state;

  if (fails (self, FAULT_GET, error))
    return NULL;

  state = sng_state_dict_new ();
  sng_state_dict_set_tensor (state, "weights", self->weights);
  sng_state_dict_set_int64 (state, "number", self->number);

  return state;
}

static gboolean
test_stateful_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  TestStateful *self = TEST_STATEFUL (stateful);
  g_autoptr (SngStateDict) expected = NULL;

  if (fails (self, FAULT_CHECK, error))
    return FALSE;
  if (fails (self, FAULT_CHECK_UNDECIDED, error))
    return TRUE;

  expected = sng_stateful_get_state (stateful, error);

  return expected != NULL && sng_state_dict_check_layout (state, expected, error);
}

static gboolean
test_stateful_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  TestStateful *self = TEST_STATEFUL (stateful);
  SngTensor *weights;

  if (fails (self, FAULT_SET, error))
    return FALSE;

  self->n_set++;

  return (weights = sng_state_dict_get_tensor (state, "weights", error)) != NULL
         && sng_tensor_copy_from (self->weights, weights, error)
         && sng_state_dict_get_int64 (state, "number", &self->number, error);
}

static void
stateful_iface_init (SngStatefulInterface *iface)
{
  iface->get_state = test_stateful_get_state;
  iface->check_state = test_stateful_check_state;
  iface->set_state = test_stateful_set_state;
}

static void
test_stateful_finalize (GObject *object)
{
  g_clear_object (&TEST_STATEFUL (object)->weights);

  G_OBJECT_CLASS (test_stateful_parent_class)->finalize (object);
}

static void
test_stateful_class_init (TestStatefulClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_stateful_finalize;
}

static void
test_stateful_init (TestStateful *self)
{
}

TestStateful *
test_stateful_new (gint64 number)
{
  const gint64 shape[] = { 2, 3 };
  TestStateful *self = g_object_new (TEST_TYPE_STATEFUL, NULL);
  g_autoptr (SngTensor) tensor = fixture_tensor (SNG_DTYPE_F32, 2, shape);

  self->number = number;
  self->weights = sng_tensor_copy (tensor, NULL);
  g_assert_nonnull (self->weights);

  return self;
}

static void
bare_iface_init (SngStatefulInterface *iface)
{
}

static void
test_bare_class_init (TestBareClass *klass)
{
}

static void
test_bare_init (TestBare *self)
{
}

SngTensor *
fixture_tensor (SngDtype dtype, guint n_dims, const gint64 *shape)
{
  gsize n_bytes = sng_dtype_get_size (dtype);
  g_autofree guint8 *data = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  SngTensor *tensor;

  for (guint i = 0; i < n_dims; i++)
    n_bytes *= (gsize) shape[i];
  data = g_malloc (MAX (n_bytes, 1));
  for (gsize i = 0; i < n_bytes; i++)
    data[i] = (guint8) (dtype == SNG_DTYPE_BOOL ? i & 1 : 37 * i + 11);

  bytes = g_bytes_new (data, n_bytes);
  tensor = sng_tensor_new_from_bytes (dtype, shape, n_dims, bytes, &error);
  g_assert_no_error (error);

  return tensor;
}

char *
fixture_make_tmp (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("sng-test-XXXXXX", &error);

  g_assert_no_error (error);

  return path;
}

void
fixture_remove (const char *path)
{
  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
      const char *name;

      while ((name = g_dir_read_name (directory)) != NULL)
        {
          g_autofree char *child = g_build_filename (path, name, NULL);

          fixture_remove (child);
        }
    }

  g_assert_cmpint (g_remove (path), ==, 0);
}

void
fixture_write (const char *path, gconstpointer contents, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  g_unlink (path); /* a longer file would keep its end */
  g_file_set_contents_full (path, contents, (gssize) n_bytes, G_FILE_SET_CONTENTS_NONE, 0666, &error);
  g_assert_no_error (error);
}
