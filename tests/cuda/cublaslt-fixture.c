/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cublaslt-fixture.h"

#include <string.h>

Fake fake;

static int
answer (const char *function)
{
  return g_strcmp0 (fake.failing, function) == 0 ? FAKE_INTERNAL_ERROR : SNG_CUBLAS_STATUS_SUCCESS;
}

static int
create (const char *function, gpointer *object, gsize size)
{
  int status = answer (function);

  if (status == SNG_CUBLAS_STATUS_SUCCESS)
    {
      *object = g_malloc0 (size);
      g_atomic_int_inc (&fake.n_objects);
    }
  return status;
}

static int
destroy (gpointer object)
{
  g_assert_nonnull (object);
  g_atomic_int_add (&fake.n_objects, -1);
  g_free (object);
  return SNG_CUBLAS_STATUS_SUCCESS;
}

static gsize
fake_version (void)
{
  return 130002;
}

static const char *
fake_status_name (int status)
{
  return status == FAKE_INTERNAL_ERROR ? "CUBLAS_STATUS_INTERNAL_ERROR" : "CUBLAS_STATUS_OTHER";
}

static int
fake_create (gpointer *handle)
{
  fake.n_creates++;
  return create ("cublasLtCreate", handle, 1);
}

static int
fake_operation_create (gpointer *operation, int compute_type, int scale_type)
{
  int status = create ("cublasLtMatmulDescCreate", operation, sizeof (FakeOperation));

  if (status == SNG_CUBLAS_STATUS_SUCCESS)
    *(FakeOperation *) *operation = (FakeOperation){ .compute_type = compute_type, .scale_type = scale_type };
  return status;
}

static int
fake_operation_set (gpointer operation, int attribute, gconstpointer value, gsize size)
{
  FakeOperation *self = operation;

  switch (attribute)
    {
    case SNG_CUBLASLT_MATMUL_DESC_TRANSA:
    case SNG_CUBLASLT_MATMUL_DESC_TRANSB:
      g_assert_cmpuint (size, ==, sizeof (gint32));
      self->transposed[attribute - SNG_CUBLASLT_MATMUL_DESC_TRANSA] = *(const gint32 *) value;
      break;
    case SNG_CUBLASLT_MATMUL_DESC_EPILOGUE:
      g_assert_cmpuint (size, ==, sizeof (guint32));
      self->epilogue = *(const guint32 *) value;
      break;
    case SNG_CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      g_assert_cmpuint (size, ==, sizeof (gpointer));
      self->bias = *(const gconstpointer *) value;
      g_thread_yield ();
      break;
    default:
      g_assert_not_reached ();
    }
  return answer ("cublasLtMatmulDescSetAttribute");
}

static int
fake_layout_create (gpointer *layout, int type, guint64 n_rows, guint64 n_columns, gint64 stride)
{
  int status = create ("cublasLtMatrixLayoutCreate", layout, sizeof (FakeLayout));

  if (status == SNG_CUBLAS_STATUS_SUCCESS)
    *(FakeLayout *) *layout = (FakeLayout){ type, n_rows, n_columns, stride };
  return status;
}

static int
fake_preference_create (gpointer *preference)
{
  int status = create ("cublasLtMatmulPreferenceCreate", preference, sizeof (FakePreference));

  if (status == SNG_CUBLAS_STATUS_SUCCESS)
    memset (*preference, 0xff, sizeof (FakePreference));
  return status;
}

static int
fake_preference_set (gpointer preference, int attribute, gconstpointer value, gsize size)
{
  g_assert_cmpint (attribute, <, FAKE_N_ATTRIBUTES);
  g_assert_cmpuint (size, ==, attribute == SNG_CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8 : 4);
  ((FakePreference *) preference)->values[attribute] =
      size == 8 ? *(const guint64 *) value : *(const guint32 *) value;
  return answer ("cublasLtMatmulPreferenceSetAttribute");
}

static int
fake_search (gpointer handle,
             gpointer operation,
             gpointer a,
             gpointer b,
             gpointer c,
             gpointer d,
             gpointer preference,
             int n_wanted,
             SngCublasltChoice *choices,
             int *n_choices)
{
  g_assert_true (handle != NULL && a != NULL && b != NULL && c != NULL && d != NULL);
  g_assert_cmpint (n_wanted, ==, 1);
  fake.n_searches++;
  fake.searched_bias = ((FakeOperation *) operation)->bias;
  fake.preference = *(FakePreference *) preference;
  *n_choices = fake.n_choices;
  choices[0].algorithm.data[0] = fake.n_searches;
  return fake.search_status != 0 ? fake.search_status : answer ("cublasLtMatmulAlgoGetHeuristic");
}

/* The number of an algorithm is that of its search. */
static int
fake_get_setting (const SngCublasltAlgorithm *algorithm,
                  int attribute,
                  gpointer value,
                  gsize size,
                  gsize *n_written)
{
  gboolean is_short = attribute == SNG_CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID
                      || attribute == SNG_CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID;
  int setting;

  g_assert_cmpint (attribute, <, FAKE_N_SETTINGS);
  g_assert_cmpuint (size, ==, is_short ? 2 : 4);
  setting = fake.settings[attribute];
  if (attribute == SNG_CUBLASLT_ALGO_CONFIG_ID && setting == 0)
    setting = (int) algorithm->data[0];
  memcpy (value, &setting, size);
  return setting < 0 ? FAKE_INTERNAL_ERROR : answer ("cublasLtMatmulAlgoConfigGetAttribute");
}

static int
fake_multiply (gpointer handle,
               gpointer operation,
               gconstpointer alpha,
               gconstpointer a,
               gpointer a_layout,
               gconstpointer b,
               gpointer b_layout,
               gconstpointer beta,
               gconstpointer c,
               gpointer c_layout,
               gpointer d,
               gpointer d_layout,
               const SngCublasltAlgorithm *algorithm,
               gpointer workspace,
               gsize workspace_size,
               cudaStream_t stream)
{
  g_assert_nonnull (handle);
  if (fake.expects_bias_of_result)
    g_assert_true (((FakeOperation *) operation)->bias == d);
  fake.n_products++;
  fake.operation = *(FakeOperation *) operation;
  fake.a = *(FakeLayout *) a_layout;
  fake.b = *(FakeLayout *) b_layout;
  fake.c = *(FakeLayout *) c_layout;
  fake.d = *(FakeLayout *) d_layout;
  fake.a_data = a;
  fake.b_data = b;
  fake.c_data = c;
  fake.d_data = d;
  fake.alpha = *(const float *) alpha;
  fake.beta = *(const float *) beta;
  fake.algorithm = algorithm->data[0];
  fake.workspace = workspace;
  fake.workspace_size = workspace_size;
  fake.stream = stream;
  return answer ("cublasLtMatmul");
}

const SngCublaslt fake_library = {
  .cublasLtGetVersion = fake_version,
  .cublasLtGetStatusName = fake_status_name,
  .cublasLtCreate = fake_create,
  .cublasLtDestroy = destroy,
  .cublasLtMatmulDescCreate = fake_operation_create,
  .cublasLtMatmulDescDestroy = destroy,
  .cublasLtMatmulDescSetAttribute = fake_operation_set,
  .cublasLtMatrixLayoutCreate = fake_layout_create,
  .cublasLtMatrixLayoutDestroy = destroy,
  .cublasLtMatmulPreferenceCreate = fake_preference_create,
  .cublasLtMatmulPreferenceDestroy = destroy,
  .cublasLtMatmulPreferenceSetAttribute = fake_preference_set,
  .cublasLtMatmulAlgoGetHeuristic = fake_search,
  .cublasLtMatmulAlgoConfigGetAttribute = fake_get_setting,
  .cublasLtMatmul = fake_multiply,
};
