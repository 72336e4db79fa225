/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-tensor-private.h"

#include <string.h>

#include "sng-error.h"

/**
 * SngTensor:
 *
 * Numbers of one dtype in a rectangular shape.
 *
 * A tensor owns memory of its device ([ctor@Tensor.new]), stands on bytes that
 * somebody else made ([ctor@Tensor.new_from_bytes], read-only), is a view of
 * another tensor's elements ([method@Tensor.new_view]), or shares those of another
 * library ([ctor@Tensor.new_from_dlpack]). No dimension at all makes a scalar; a
 * dimension of 0 makes a tensor without elements.
 *
 * ```c
 * gint64 shape[] = { 3, 128 };
 * g_autoptr (SngTensor) tensor = sng_tensor_new (SNG_DTYPE_F32, shape, 2, NULL, &error);
 * g_autofree char *text = sng_tensor_describe (tensor);  // F32 [3, 128]
 * ```
 *
 * Elements are numbered in row-major order: the last index runs fastest.
 * Wherever bytes go in or out they are in this order, without gaps and
 * little-endian.
 *
 * Several threads may read a tensor at once. Nobody else may use it while one
 * writes to it or to memory that it shares.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (SngTensor, sng_tensor, G_TYPE_OBJECT)

static void
sng_tensor_finalize (GObject *object)
{
  SngTensor *self = SNG_TENSOR (object);

  if (self->bytes == NULL && self->base == NULL && self->owner == NULL && self->data != NULL)
    SNG_DEVICE_GET_CLASS (self->device)->free (self->device, self->data, self->n_bytes);

  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_object (&self->base);
  g_clear_pointer (&self->owner, self->release_owner);
  g_clear_object (&self->device);
  g_clear_pointer (&self->dims, g_free);

  G_OBJECT_CLASS (sng_tensor_parent_class)->finalize (object);
}

static void
sng_tensor_class_init (SngTensorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_tensor_finalize;
}

static void
sng_tensor_init (SngTensor *self)
{
}

static char *
describe (SngDtype dtype, const gint64 *shape, guint n_dims)
{
  GString *text = g_string_new (sng_dtype_get_name (dtype));

  g_string_append (text, " [");
  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", shape[i]);
  g_string_append_c (text, ']');

  return g_string_free (text, FALSE);
}

/* Counts the elements of a shape; FALSE where there is no such shape or it does not fit into memory. The
 * dimensions other than 0 must fit even where one is 0: strides are made of them. */
static gboolean
measure (SngDtype dtype, const gint64 *shape, guint n_dims, gint64 *n_elements, GError **error)
{
  gint64 n_bytes = sng_dtype_get_size (dtype);
  gboolean empty = FALSE;
  const char *problem = NULL;

  if (n_dims > SNG_TENSOR_MAX_DIMS)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[tensor][shape] %u dimensions are more than the %d that a tensor may have", n_dims,
                   SNG_TENSOR_MAX_DIMS);
      return FALSE;
    }

  for (guint i = 0; i < n_dims && problem == NULL; i++)
    if (shape[i] < 0)
      problem = "has a negative dimension";
    else if (shape[i] == 0)
      empty = TRUE;
    else if (__builtin_mul_overflow (n_bytes, shape[i], &n_bytes) || n_bytes > G_MAXSSIZE)
      problem = "needs more bytes than there can be";

  if (problem != NULL)
    {
      g_autofree char *text = describe (dtype, shape, n_dims);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[tensor][shape] %s %s", text, problem);
      return FALSE;
    }

  *n_elements = empty ? 0 : n_bytes / (gint64) sng_dtype_get_size (dtype);
  return TRUE;
}

SngTensor *
sng_tensor_new_layout (SngDtype dtype,
                       const gint64 *shape,
                       const gint64 *strides,
                       guint n_dims,
                       GError **error)
{
  SngTensor *self;
  gint64 n_elements, expected = 1;
  gint64 *own_strides;
  gboolean contiguous = TRUE;

  if (!measure (dtype, shape, n_dims, &n_elements, error))
    return NULL;

  self = g_object_new (SNG_TYPE_TENSOR, NULL);
  self->dims = g_new (gint64, MAX (2 * n_dims, 1));
  own_strides = self->dims + n_dims;

  for (guint i = n_dims; i-- > 0;)
    {
      self->dims[i] = shape[i];
      /* The only element of a dimension has no neighbour: any stride would do, so take a harmless one. */
      own_strides[i] = strides != NULL && shape[i] > 1 ? strides[i] : expected;
      contiguous &= own_strides[i] == expected;
      expected *= MAX (shape[i], 1);
    }

  self->layout = (SngLayout){
    .dtype = dtype,
    .n_dims = n_dims,
    .shape = self->dims,
    .strides = own_strides,
    .n_elements = n_elements,
    .contiguous = contiguous || n_elements == 0,
  };
  self->n_bytes = n_elements * sng_dtype_get_size (dtype);

  return self;
}

/**
 * sng_tensor_new:
 * @dtype: the dtype of the elements
 * @shape: (array length=n_dims) (nullable): the size of each dimension; %NULL
 *   only when @n_dims is 0
 * @n_dims: the number of dimensions, at most 32
 * @device: (nullable): where the memory is taken from; %NULL for
 *   [func@Device.get_default]
 * @error: return location for an error
 *
 * Creates a tensor of zeros that owns its memory.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when a dimension is negative or the
 * whole is too large to be counted, and with %SNG_ERROR_FAILED when the memory
 * cannot be had.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new (SngDtype dtype, const gint64 *shape, guint n_dims, SngDevice *device, GError **error)
{
  g_autoptr (SngTensor) self = NULL;

  g_return_val_if_fail (sng_dtype_get_size (dtype) > 0, NULL);
  g_return_val_if_fail (shape != NULL || n_dims == 0, NULL);
  g_return_val_if_fail (device == NULL || SNG_IS_DEVICE (device), NULL);

  self = sng_tensor_new_layout (dtype, shape, NULL, n_dims, error);
  if (self == NULL)
    return NULL;

  self->device = g_object_ref (device != NULL ? device : sng_device_get_default ());
  self->data = SNG_DEVICE_GET_CLASS (self->device)->alloc (self->device, self->n_bytes, error);
  if (self->data == NULL)
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * sng_tensor_new_from_bytes:
 * @dtype: the dtype of the elements
 * @shape: (array length=n_dims) (nullable): the size of each dimension; %NULL
 *   only when @n_dims is 0
 * @n_dims: the number of dimensions, at most 32
 * @bytes: the elements in row-major order, little-endian
 * @error: return location for an error
 *
 * Creates a read-only tensor on the default device that stands on @bytes.
 *
 * The bytes are not copied, unless they begin at an address that is no multiple
 * of the size of an element.
 *
 * Fails with %SNG_ERROR_INVALID_ARGUMENT when the shape cannot be, and with
 * %SNG_ERROR_MISMATCH when @bytes has not the size that dtype and shape ask for.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new_from_bytes (SngDtype dtype, const gint64 *shape, guint n_dims, GBytes *bytes, GError **error)
{
  g_autoptr (SngTensor) self = NULL;
  gconstpointer data;
  gsize size;

  g_return_val_if_fail (sng_dtype_get_size (dtype) > 0, NULL);
  g_return_val_if_fail (shape != NULL || n_dims == 0, NULL);
  g_return_val_if_fail (bytes != NULL, NULL);

  self = sng_tensor_new_layout (dtype, shape, NULL, n_dims, error);
  if (self == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &size);
  if (size != self->n_bytes)
    {
      g_autofree char *text = sng_tensor_describe (self);

      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "[tensor][bytes] %s takes %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT, text,
                   self->n_bytes, size);
      return NULL;
    }

  if ((gsize) data % sng_dtype_get_size (dtype) == 0)
    self->bytes = g_bytes_ref (bytes);
  else
    self->bytes = g_bytes_new (data, size);

  self->device = g_object_ref (sng_device_get_default ());
  self->data = (char *) g_bytes_get_data (self->bytes, NULL);
  self->read_only = TRUE;

  return g_steal_pointer (&self);
}

/**
 * sng_tensor_copy:
 * @self: a tensor
 * @error: return location for an error
 *
 * Copies the elements into a new tensor on the same device, which owns its
 * memory, has no gaps and can be written to.
 *
 * Fails with %SNG_ERROR_FAILED when the memory cannot be had.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_copy (SngTensor *self, GError **error)
{
  g_autoptr (SngTensor) copy = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  copy = sng_tensor_new (self->layout.dtype, self->layout.shape, self->layout.n_dims, self->device, error);
  if (copy == NULL)
    return NULL;

  SNG_DEVICE_GET_CLASS (self->device)
      ->gather (self->device, copy->data, self->data, &self->layout, 0, self->layout.n_elements);

  return g_steal_pointer (&copy);
}

/**
 * sng_tensor_get_dtype:
 * @self: a tensor
 *
 * The dtype of the elements.
 *
 * Returns: the dtype
 *
 * Since: 1.0
 */
SngDtype
sng_tensor_get_dtype (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), SNG_DTYPE_F64);

  return self->layout.dtype;
}

/**
 * sng_tensor_get_n_dims:
 * @self: a tensor
 *
 * The number of dimensions.
 *
 * Returns: the number of dimensions, 0 for a scalar
 *
 * Since: 1.0
 */
guint
sng_tensor_get_n_dims (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), 0);

  return self->layout.n_dims;
}

/**
 * sng_tensor_get_shape:
 * @self: a tensor
 * @n_dims: (out) (optional): the number of dimensions
 *
 * The size of each dimension.
 *
 * Returns: (array length=n_dims) (transfer none): the shape
 *
 * Since: 1.0
 */
const gint64 *
sng_tensor_get_shape (SngTensor *self, guint *n_dims)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  if (n_dims != NULL)
    *n_dims = self->layout.n_dims;
  return self->layout.shape;
}

/**
 * sng_tensor_get_strides:
 * @self: a tensor
 * @n_dims: (out) (optional): the number of dimensions
 *
 * How far apart neighbours in each dimension are in memory, in elements.
 *
 * Returns: (array length=n_dims) (transfer none): the strides
 *
 * Since: 1.0
 */
const gint64 *
sng_tensor_get_strides (SngTensor *self, guint *n_dims)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  if (n_dims != NULL)
    *n_dims = self->layout.n_dims;
  return self->layout.strides;
}

/**
 * sng_tensor_get_device:
 * @self: a tensor
 *
 * The device whose memory the elements are in.
 *
 * Returns: (transfer none): the device
 *
 * Since: 1.0
 */
SngDevice *
sng_tensor_get_device (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  return self->device;
}

/**
 * sng_tensor_get_n_elements:
 * @self: a tensor
 *
 * The number of elements: the product of the dimensions.
 *
 * Returns: the number of elements, 1 for a scalar
 *
 * Since: 1.0
 */
gint64
sng_tensor_get_n_elements (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), 0);

  return self->layout.n_elements;
}

/**
 * sng_tensor_get_n_bytes:
 * @self: a tensor
 *
 * The size of all elements without gaps.
 *
 * Returns: the size in bytes
 *
 * Since: 1.0
 */
gsize
sng_tensor_get_n_bytes (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), 0);

  return self->n_bytes;
}

/**
 * sng_tensor_is_contiguous:
 * @self: a tensor
 *
 * Whether the elements lie in row-major order without gaps.
 *
 * Returns: whether they do
 *
 * Since: 1.0
 */
gboolean
sng_tensor_is_contiguous (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), FALSE);

  return self->layout.contiguous;
}

/**
 * sng_tensor_is_read_only:
 * @self: a tensor
 *
 * Whether the elements must not be changed, because the memory belongs to
 * somebody else who does not want it.
 *
 * Returns: whether @self is read-only
 *
 * Since: 1.0
 */
gboolean
sng_tensor_is_read_only (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), TRUE);

  return self->read_only;
}

/**
 * sng_tensor_get_data:
 * @self: a tensor
 *
 * The address of the first element in the memory of the device. It must not be
 * written to where [method@Tensor.is_read_only].
 *
 * Returns: (transfer none): the address, valid as long as @self; it may be
 *   anything where there is no element
 *
 * Since: 1.0
 */
gpointer
sng_tensor_get_data (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  return self->data;
}

/**
 * sng_tensor_same_layout:
 * @a: a tensor
 * @b: another
 *
 * Compares dtype and shape.
 *
 * Returns: whether both are equal
 *
 * Since: 1.0
 */
gboolean
sng_tensor_same_layout (SngTensor *a, SngTensor *b)
{
  g_return_val_if_fail (SNG_IS_TENSOR (a) && SNG_IS_TENSOR (b), FALSE);

  return a->layout.dtype == b->layout.dtype && a->layout.n_dims == b->layout.n_dims
         && memcmp (a->layout.shape, b->layout.shape, a->layout.n_dims * sizeof (gint64)) == 0;
}

/**
 * sng_tensor_describe:
 * @self: a tensor
 *
 * Writes dtype and shape for people to read, such as `F32 [3, 128]`.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
sng_tensor_describe (SngTensor *self)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);

  return describe (self->layout.dtype, self->layout.shape, self->layout.n_dims);
}
