/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <string.h>
#include <sng.h>

#include "tensor/sng-device-private.h"
#include "tensor/sng-dlpack-private.h"

#define SHAPE(...) ((gint64[]){ __VA_ARGS__ }), (sizeof ((gint64[]){ __VA_ARGS__ }) / sizeof (gint64))

G_STATIC_ASSERT (sizeof (SngDlpackTensor) == 48);
G_STATIC_ASSERT (sizeof (SngDlpackUnversioned) == 64);
G_STATIC_ASSERT (sizeof (SngDlpackVersioned) == 80);

/* What another library hands out: 6 numbers, and how often it got them back. */
typedef struct
{
  SngDlpackVersioned versioned;
  SngDlpackUnversioned unversioned;
  gint64 shape[40];
  gint64 strides[40];
  float values[6];
  guint n_deleted;
} Foreign;

static void
delete_versioned_cb (SngDlpackVersioned *managed)
{
  ((Foreign *) managed->context)->n_deleted++;
}

static void
delete_unversioned_cb (SngDlpackUnversioned *managed)
{
  ((Foreign *) managed->context)->n_deleted++;
}

/* F32 [2, 3] with the values 0 to 5, row-major without strides. */
static Foreign *
foreign_new (void)
{
  Foreign *self = g_new0 (Foreign, 1);
  SngDlpackTensor tensor = {
    .data = self->values,
    .device_type = SNG_DLPACK_DEVICE_CPU,
    .n_dims = 2,
    .dtype = { SNG_DLPACK_CODE_FLOAT, 32, 1 },
    .shape = self->shape,
  };

  for (guint i = 0; i < 6; i++)
    self->values[i] = i;
  self->shape[0] = 2;
  self->shape[1] = 3;
  self->versioned = (SngDlpackVersioned){
    .major = 1,
    .minor = 9,
    .context = self,
    .deleter = delete_versioned_cb,
    .tensor = tensor,
  };
  self->unversioned =
      (SngDlpackUnversioned){ .tensor = tensor, .context = self, .deleter = delete_unversioned_cb };

  return self;
}

static SngTensor *
foreign_import (Foreign *self)
{
  g_autoptr (GError) error = NULL;
  SngTensor *tensor = sng_tensor_new_from_dlpack (&self->versioned, TRUE, &error);

  g_assert_no_error (error);
  return tensor;
}

static void
foreign_free (Foreign *self, guint n_deleted)
{
  g_assert_cmpuint (self->n_deleted, ==, n_deleted);
  g_free (self);
}

static void
assert_values (SngTensor *tensor, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize n_values;
  g_autofree double *values = sng_tensor_dup_values (tensor, &n_values);

  for (gsize i = 0; i < n_values; i++)
    g_string_append_printf (text, "%s%g", i > 0 ? " " : "", values[i]);
  g_assert_cmpstr (text->str, ==, expected);
}

static SngTensor *
new_matrix (SngDtype dtype)
{
  static const double values[] = { 0, 1, 1, 0, 0, 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) constant = sng_tensor_new_from_values (dtype, SHAPE (2, 3), values, 6, &error);
  SngTensor *tensor;

  g_assert_no_error (error);
  tensor = sng_tensor_copy (constant, &error);
  g_assert_no_error (error);
  return tensor;
}

static void
test_export (void)
{
  g_autoptr (GError) error = NULL;
  SngTensor *matrix = new_matrix (SNG_DTYPE_I16);
  SngTensor *turned = sng_tensor_new_view (matrix, 1, SHAPE (3, 2), SHAPE (0, 3), &error);
  gpointer matrix_alive = matrix, turned_alive = turned;
  SngDlpackVersioned *managed = sng_tensor_to_dlpack (turned, TRUE, FALSE, &error);

  g_assert_no_error (error);
  g_object_add_weak_pointer (G_OBJECT (matrix), &matrix_alive);
  g_object_add_weak_pointer (G_OBJECT (turned), &turned_alive);
  g_assert_cmpuint (managed->major, ==, 1);
  g_assert_cmpuint (managed->flags, ==, 0);
  g_assert_true (managed->tensor.data == (gint16 *) sng_tensor_get_data (matrix) + 1);
  g_assert_cmpuint (managed->tensor.byte_offset, ==, 0);
  g_assert_cmpint (managed->tensor.device_type, ==, SNG_DLPACK_DEVICE_CPU);
  g_assert_cmpint (managed->tensor.device_id, ==, 0);
  g_assert_cmpint (managed->tensor.dtype.code, ==, SNG_DLPACK_CODE_INT);
  g_assert_cmpint (managed->tensor.dtype.bits, ==, 16);
  g_assert_cmpint (managed->tensor.dtype.lanes, ==, 1);
  g_assert_cmpint (managed->tensor.n_dims, ==, 2);
  g_assert_cmpmem (managed->tensor.shape, 2 * sizeof (gint64), ((gint64[]){ 3, 2 }), 2 * sizeof (gint64));
  g_assert_cmpmem (managed->tensor.strides, 2 * sizeof (gint64), ((gint64[]){ 0, 3 }), 2 * sizeof (gint64));

  /* It keeps alive what it needs, and no longer than it lives. */
  g_object_unref (matrix);
  g_object_unref (turned);
  g_assert_nonnull (turned_alive);
  g_assert_cmpint (*(gint16 *) managed->tensor.data, ==, 1);
  managed->deleter (managed);
  g_assert_null (turned_alive);
  g_assert_null (matrix_alive);
}

static void
test_export_unversioned (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) matrix = new_matrix (SNG_DTYPE_F64);
  SngDlpackUnversioned *managed = sng_tensor_to_dlpack (matrix, FALSE, FALSE, &error);

  g_assert_no_error (error);
  g_assert_true (managed->tensor.data == sng_tensor_get_data (matrix));
  g_assert_cmpint (managed->tensor.dtype.bits, ==, 64);
  g_assert_cmpuint (G_OBJECT (matrix)->ref_count, ==, 2);
  managed->deleter (managed);
  g_assert_cmpuint (G_OBJECT (matrix)->ref_count, ==, 1);
}

static void
test_export_read_only (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new ("ab", 2);
  g_autoptr (SngTensor) constant = sng_tensor_new_from_bytes (SNG_DTYPE_U8, SHAPE (2), bytes, &error);
  SngDlpackVersioned *versioned = sng_tensor_to_dlpack (constant, TRUE, FALSE, &error);
  SngDlpackUnversioned *copied;

  g_assert_no_error (error);
  g_assert_cmpuint (versioned->flags, ==, SNG_DLPACK_FLAG_READ_ONLY);
  versioned->deleter (versioned);

  g_assert_null (sng_tensor_to_dlpack (constant, FALSE, FALSE, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_true (g_str_has_prefix (error->message, "[tensor][dlpack] U8 [2] is read-only"));
  g_clear_error (&error);

  copied = sng_tensor_to_dlpack (constant, FALSE, TRUE, &error);
  g_assert_no_error (error);
  *(char *) copied->tensor.data = 'x';
  copied->deleter (copied);
  g_assert_cmpfloat (sng_tensor_get_value (constant, 0), ==, 'a');
  g_assert_cmpuint (G_OBJECT (constant)->ref_count, ==, 1);
}

static void
test_export_copy (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) matrix = new_matrix (SNG_DTYPE_F32);
  g_autoptr (SngTensor) backward = sng_tensor_new_view (matrix, 2, SHAPE (3), SHAPE (-1), &error);
  SngDlpackVersioned *managed = sng_tensor_to_dlpack (backward, TRUE, TRUE, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (managed->flags, ==, SNG_DLPACK_FLAG_IS_COPIED);
  g_assert_cmpint (managed->tensor.strides[0], ==, 1);
  g_assert_cmpmem (managed->tensor.data, 3 * sizeof (float), ((float[]){ 1, 1, 0 }), 3 * sizeof (float));
  *(float *) managed->tensor.data = 7;
  assert_values (backward, "1 1 0");
  managed->deleter (managed);
}

/* A device that says that its memory is its own. */
typedef SngDevice FarDevice;
typedef SngDeviceClass FarDeviceClass;

static GType far_device_get_type (void);

G_DEFINE_TYPE (FarDevice, far_device, SNG_TYPE_DEVICE)

static gpointer
far_device_alloc (SngDevice *self, gsize n_bytes, GError **error)
{
  return g_malloc0 (n_bytes);
}

static void
far_device_free (SngDevice *self, gpointer data, gsize n_bytes)
{
  g_free (data);
}

static void
far_device_class_init (FarDeviceClass *klass)
{
  klass->name = "far";
  klass->alloc = far_device_alloc;
  klass->free = far_device_free;
}

static void
far_device_init (FarDevice *self)
{
}

static void
test_export_foreign_device (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngDevice) device = g_object_new (far_device_get_type (), NULL);
  g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, SHAPE (2), device, &error);

  g_assert_no_error (error);
  g_assert_null (sng_tensor_to_dlpack (tensor, TRUE, FALSE, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "F32 [2] lies in the memory of the device far"));
}

static void
test_round_trip (void)
{
  for (SngDtype dtype = SNG_DTYPE_F64; dtype <= SNG_DTYPE_BOOL; dtype++)
    for (guint versioned = 0; versioned < 2; versioned++)
      for (guint original_first = 0; original_first < 2; original_first++)
        {
          g_autoptr (GError) error = NULL;
          SngTensor *matrix = new_matrix (dtype);
          gpointer alive = matrix;
          g_autoptr (SngTensor) expected = new_matrix (dtype);
          gpointer managed = sng_tensor_to_dlpack (matrix, versioned, FALSE, &error);
          SngTensor *back = sng_tensor_new_from_dlpack (managed, versioned, &error);

          g_assert_no_error (error);
          g_object_add_weak_pointer (G_OBJECT (matrix), &alive);
          g_assert_true (sng_tensor_get_data (back) == sng_tensor_get_data (matrix));
          g_assert_cmpint (sng_tensor_get_dtype (back), ==, dtype);
          g_assert_false (sng_tensor_is_read_only (back));
          g_assert_true (sng_tensor_is_contiguous (back));

          if (original_first)
            g_object_unref (matrix);
          g_assert_true (sng_tensor_equal (back, expected));
          g_object_unref (back);
          if (!original_first)
            {
              g_assert_true (sng_tensor_equal (matrix, expected));
              g_assert_cmpuint (G_OBJECT (matrix)->ref_count, ==, 1);
              g_object_unref (matrix);
            }
          g_assert_null (alive);
        }
}

static void
test_import (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  Foreign *foreign = foreign_new ();
  SngTensor *tensor = foreign_import (foreign);
  SngTensor *row = sng_tensor_new_view (tensor, 3, SHAPE (3), NULL, 0, &error);

  g_assert_no_error (error);
  assert_values (tensor, "0 1 2 3 4 5");
  g_assert_true (sng_tensor_is_contiguous (tensor));
  g_assert_true (sng_tensor_get_device (tensor) == sng_device_get_default ());

  /* Both sides see what the other one writes; bytes are of their own. */
  bytes = sng_tensor_dup_bytes (tensor, &error);
  foreign->values[4] = 40;
  assert_values (row, "3 40 5");
  g_assert_true (sng_tensor_set_bytes (tensor, bytes, &error));
  g_assert_cmpfloat (foreign->values[4], ==, 4);

  /* A view keeps the memory, and its deleter is called once. */
  g_object_unref (tensor);
  g_assert_cmpuint (foreign->n_deleted, ==, 0);
  assert_values (row, "3 4 5");
  g_object_unref (row);
  foreign_free (foreign, 1);
}

/* What a GPU can copy from by itself is the processor's all the same. */
static void
test_import_pinned (void)
{
  Foreign *foreign = foreign_new ();
  g_autoptr (SngTensor) tensor = NULL;

  foreign->versioned.tensor.device_type = SNG_DLPACK_DEVICE_CUDA_HOST;
  tensor = foreign_import (foreign);
  assert_values (tensor, "0 1 2 3 4 5");
  g_assert_true (sng_tensor_get_device (tensor) == sng_device_get_default ());
  g_assert_cmpint (sng_tensor_get_dlpack_device (tensor, NULL), ==, SNG_DLPACK_DEVICE_CPU);
  g_clear_object (&tensor);
  foreign_free (foreign, 1);
}

static void
test_import_unversioned (void)
{
  g_autoptr (GError) error = NULL;
  Foreign *foreign = foreign_new ();
  g_autoptr (SngTensor) tensor = sng_tensor_new_from_dlpack (&foreign->unversioned, FALSE, &error);

  g_assert_no_error (error);
  assert_values (tensor, "0 1 2 3 4 5");
  g_clear_object (&tensor);
  g_assert_cmpuint (foreign->n_deleted, ==, 1);

  /* There may be nothing to be called. */
  foreign->unversioned.deleter = NULL;
  tensor = sng_tensor_new_from_dlpack (&foreign->unversioned, FALSE, &error);
  g_clear_object (&tensor);
  foreign->versioned.deleter = NULL;
  tensor = foreign_import (foreign);
  g_clear_object (&tensor);
  foreign_free (foreign, 1);
}

static void
test_import_read_only (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngTensor) zeros = sng_tensor_new (SNG_DTYPE_F32, SHAPE (2, 3), NULL, NULL);
  g_autoptr (GBytes) bytes = sng_tensor_dup_bytes (zeros, NULL);
  g_autoptr (SngTensor) tensor = NULL;
  g_autoptr (SngTensor) row = NULL;
  Foreign *foreign = foreign_new ();

  foreign->versioned.flags = SNG_DLPACK_FLAG_READ_ONLY | 1 << 10;
  tensor = foreign_import (foreign);
  row = sng_tensor_new_view (tensor, 0, SHAPE (3), NULL, 0, &error);
  g_assert_true (sng_tensor_is_read_only (tensor));
  g_assert_true (sng_tensor_is_read_only (row));

  g_assert_false (sng_tensor_set_bytes (tensor, bytes, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "F32 [2, 3] is read-only"));
  g_clear_error (&error);
  g_assert_false (sng_tensor_copy_from (tensor, zeros, &error));
  g_assert_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT);
  assert_values (tensor, "0 1 2 3 4 5");

  g_clear_object (&tensor);
  g_clear_object (&row);
  foreign_free (foreign, 1);
}

static void
test_import_layouts (void)
{
  static const struct
  {
    guint n_dims;
    gint64 shape[2], strides[2];
    guint64 offset;
    const char *expected;
  } cases[] = {
    { 2, { 3, 2 }, { 1, 3 }, 0, "0 3 1 4 2 5" },         /* turned */
    { 2, { 2, 2 }, { 3, 2 }, 0, "0 2 3 5" },             /* with gaps */
    { 2, { 2, 3 }, { -3, -1 }, 20, "5 4 3 2 1 0" },      /* backward */
    { 2, { 2, 3 }, { 0, 1 }, 12, "3 4 5 3 4 5" },        /* repeated */
    { 1, { 2 }, { 1 }, 16, "4 5" },                      /* from within */
    { 2, { 1, 3 }, { G_MAXINT64, 1 }, 0, "0 1 2" },      /* a stride that nobody steps */
    { 0, { 0 }, { 0 }, 8, "2" },                         /* a scalar */
    { 2, { 0, 3 }, { G_MAXINT64, 1 }, G_MAXUINT64, "" }, /* nothing at all */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Foreign *foreign = foreign_new ();
      SngDlpackTensor *description = &foreign->versioned.tensor;
      SngTensor *tensor;

      memcpy (foreign->shape, cases[i].shape, sizeof cases[i].shape);
      memcpy (foreign->strides, cases[i].strides, sizeof cases[i].strides);
      description->n_dims = cases[i].n_dims;
      description->strides = foreign->strides;
      description->byte_offset = cases[i].offset;

      tensor = foreign_import (foreign);
      assert_values (tensor, cases[i].expected);
      g_object_unref (tensor);
      foreign_free (foreign, 1);
    }
}

/* Every dtype goes out and comes back as what it was. */
static void
test_dtypes (void)
{
  for (SngDtype dtype = 0; dtype <= SNG_DTYPE_C64; dtype++)
    {
      g_autoptr (SngTensor) tensor = sng_tensor_new (dtype, SHAPE (2, 3), NULL, NULL);
      g_autoptr (SngTensor) back = NULL;
      g_autoptr (GError) error = NULL;
      SngDlpackVersioned *managed = sng_tensor_to_dlpack (tensor, TRUE, FALSE, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (managed->tensor.dtype.bits, ==, 8 * sng_dtype_get_size (dtype));
      back = sng_tensor_new_from_dlpack (managed, TRUE, &error);
      g_assert_no_error (error);
      g_assert_true (sng_tensor_same_layout (tensor, back));
      g_assert_true (sng_tensor_get_data (tensor) == sng_tensor_get_data (back));
    }
}

static void
test_import_of_nothing (void)
{
  g_autoptr (SngTensor) tensor = NULL;
  g_autoptr (SngTensor) copy = NULL;
  Foreign *foreign = foreign_new ();

  /* Neither an address nor, for a scalar, a shape is needed where there is nothing to say. */
  foreign->shape[0] = 0;
  foreign->versioned.tensor.data = NULL;
  tensor = foreign_import (foreign);
  copy = sng_tensor_copy (tensor, NULL);
  g_assert_true (sng_tensor_equal (tensor, copy));
  g_assert_true (sng_tensor_copy_from (tensor, copy, NULL));
  g_clear_object (&tensor);

  foreign->versioned.tensor = foreign->unversioned.tensor;
  foreign->versioned.tensor.n_dims = 0;
  foreign->versioned.tensor.shape = NULL;
  tensor = foreign_import (foreign);
  assert_values (tensor, "0");
  g_clear_object (&tensor);
  foreign_free (foreign, 2);
}

typedef enum
{
  DEVICE,
  CODE,
  BITS,
  LANES,
  MAJOR,
  N_DIMS,
  SIZE,
  STRIDE,
  OFFSET,
  NO_SHAPE,
  NO_DATA,
} Fault;

static void
plant (Foreign *foreign, Fault fault, gint64 value)
{
  SngDlpackTensor *tensor = &foreign->versioned.tensor;

  switch (fault)
    {
    case DEVICE:
      tensor->device_type = value;
      break;
    case CODE:
      tensor->dtype.code = value;
      break;
    case BITS:
      tensor->dtype.bits = value;
      break;
    case LANES:
      tensor->dtype.lanes = value;
      break;
    case MAJOR:
      foreign->versioned.major = value;
      break;
    case N_DIMS:
      tensor->n_dims = value;
      break;
    case SIZE:
      foreign->shape[0] = value;
      break;
    case STRIDE:
      tensor->strides = foreign->strides;
      foreign->strides[0] = value;
      break;
    case OFFSET:
      tensor->byte_offset = value;
      break;
    case NO_SHAPE:
      tensor->shape = NULL;
      break;
    case NO_DATA:
    default:
      tensor->data = NULL;
      break;
    }
}

static void
test_import_refused (void)
{
  static const struct
  {
    Fault fault;
    gint64 value;
    SngError code;
    const char *text;
  } cases[] = {
    { DEVICE, 2, SNG_ERROR_NOT_SUPPORTED, "CUDA (2): [device]" },
    { DEVICE, 10, SNG_ERROR_NOT_SUPPORTED, "ROCM (10)" },
    { DEVICE, 5, SNG_ERROR_NOT_SUPPORTED, "? (5)" },
    { DEVICE, -1, SNG_ERROR_NOT_SUPPORTED, "? (-1)" },
    { DEVICE, 999, SNG_ERROR_NOT_SUPPORTED, "? (999)" },
    { CODE, 5, SNG_ERROR_NOT_SUPPORTED, "Complex (code 5) with 32 bits and 1 lanes" },
    { CODE, 7, SNG_ERROR_NOT_SUPPORTED, "Float8_e3m4 (code 7)" },
    { CODE, 17, SNG_ERROR_NOT_SUPPORTED, "Float4_e2m1fn (code 17)" },
    { CODE, 18, SNG_ERROR_NOT_SUPPORTED, "? (code 18)" },
    { CODE, 200, SNG_ERROR_NOT_SUPPORTED, "? (code 200)" },
    { BITS, 8, SNG_ERROR_NOT_SUPPORTED, "Float (code 2) with 8 bits" },
    { LANES, 4, SNG_ERROR_NOT_SUPPORTED, "4 lanes" },
    { LANES, 0, SNG_ERROR_NOT_SUPPORTED, "0 lanes" },
    { MAJOR, 2, SNG_ERROR_NOT_SUPPORTED, "version 2.9 of DLPack, only version 1" },
    { MAJOR, 0, SNG_ERROR_NOT_SUPPORTED, "version 0.9" },
    { N_DIMS, -1, SNG_ERROR_INVALID_DATA, "-1 dimensions" },
    { N_DIMS, 33, SNG_ERROR_INVALID_ARGUMENT, "33 dimensions" },
    { NO_SHAPE, 0, SNG_ERROR_INVALID_DATA, "2 dimensions without a shape" },
    { NO_DATA, 0, SNG_ERROR_INVALID_DATA, "F32 [2, 3] has no address" },
    { SIZE, -2, SNG_ERROR_INVALID_ARGUMENT, "F32 [-2, 3] has a negative dimension" },
    { SIZE, G_MAXINT64 / 8, SNG_ERROR_INVALID_ARGUMENT, "more bytes than there can be" },
    { SIZE, G_MAXINT64 / 12, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { STRIDE, G_MAXINT64, SNG_ERROR_INVALID_DATA, "F32 [2, 3] reaches outside" },
    { STRIDE, G_MAXINT64 / 4, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { STRIDE, G_MININT64, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { STRIDE, G_MININT64 / 8, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { OFFSET, -8, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { OFFSET, G_MAXINT64 - 7, SNG_ERROR_INVALID_DATA, "reaches outside" },
    { OFFSET, 2, SNG_ERROR_INVALID_DATA, "F32 [2, 3] begins at an address" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      Foreign *foreign = foreign_new ();

      plant (foreign, cases[i].fault, cases[i].value);
      g_assert_null (sng_tensor_new_from_dlpack (&foreign->versioned, TRUE, &error));
      g_assert_error (error, SNG_ERROR, (int) cases[i].code);
      g_assert_true (g_str_has_prefix (error->message, "[tensor]"));
      if (strstr (error->message, cases[i].text) == NULL)
        g_error ("\"%s\" does not say %s", error->message, cases[i].text);
      /* What was not taken still belongs to the one who offered it. */
      foreign_free (foreign, 0);
    }
}

typedef struct
{
  const char *name;
  gpointer content;
} Capsule;

static int
capsule_is_valid_cb (gpointer capsule, const char *name)
{
  return g_str_equal (((Capsule *) capsule)->name, name);
}

static gpointer
capsule_get_pointer_cb (gpointer capsule, const char *name)
{
  g_assert_true (capsule_is_valid_cb (capsule, name));
  return ((Capsule *) capsule)->content;
}

static void
test_capsule (void)
{
  Foreign *foreign = foreign_new ();
  void (*destroy) (gpointer capsule) = (void (*) (gpointer)) sng_dlpack_get_capsule_destructor (
      (gpointer) capsule_is_valid_cb, (gpointer) capsule_get_pointer_cb);

  destroy (&(Capsule){ "used_dltensor", &foreign->unversioned });
  destroy (&(Capsule){ "used_dltensor_versioned", &foreign->versioned });
  g_assert_cmpuint (foreign->n_deleted, ==, 0);
  destroy (&(Capsule){ "dltensor", &foreign->unversioned });
  g_assert_cmpuint (foreign->n_deleted, ==, 1);
  destroy (&(Capsule){ "dltensor_versioned", &foreign->versioned });
  foreign_free (foreign, 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Whatever is installed, there is no plug-in. */
  g_setenv ("SNG_PLUGIN_DIR", "/nowhere", TRUE);

  g_test_add_func ("/sng/dlpack/dtypes", test_dtypes);
  g_test_add_func ("/sng/dlpack/export", test_export);
  g_test_add_func ("/sng/dlpack/export-unversioned", test_export_unversioned);
  g_test_add_func ("/sng/dlpack/export-read-only", test_export_read_only);
  g_test_add_func ("/sng/dlpack/export-copy", test_export_copy);
  g_test_add_func ("/sng/dlpack/export-foreign-device", test_export_foreign_device);
  g_test_add_func ("/sng/dlpack/round-trip", test_round_trip);
  g_test_add_func ("/sng/dlpack/import", test_import);
  g_test_add_func ("/sng/dlpack/import-pinned", test_import_pinned);
  g_test_add_func ("/sng/dlpack/import-unversioned", test_import_unversioned);
  g_test_add_func ("/sng/dlpack/import-read-only", test_import_read_only);
  g_test_add_func ("/sng/dlpack/import-layouts", test_import_layouts);
  g_test_add_func ("/sng/dlpack/import-of-nothing", test_import_of_nothing);
  g_test_add_func ("/sng/dlpack/import-refused", test_import_refused);
  g_test_add_func ("/sng/dlpack/capsule", test_capsule);

  return g_test_run ();
}
