/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tensor/sng-dlpack.h"

#include "sng-error.h"
#include "tensor/sng-dlpack-private.h"
#include "tensor/sng-tensor-private.h"

/* Tensors that cross to and from other libraries without a copy. */

static const SngDlpackDtype dtypes[] = {
  [SNG_DTYPE_F64] = { SNG_DLPACK_CODE_FLOAT, 64, 1 },
  [SNG_DTYPE_F32] = { SNG_DLPACK_CODE_FLOAT, 32, 1 },
  [SNG_DTYPE_BF16] = { SNG_DLPACK_CODE_BFLOAT, 16, 1 },
  [SNG_DTYPE_F16] = { SNG_DLPACK_CODE_FLOAT, 16, 1 },
  [SNG_DTYPE_I64] = { SNG_DLPACK_CODE_INT, 64, 1 },
  [SNG_DTYPE_I32] = { SNG_DLPACK_CODE_INT, 32, 1 },
  [SNG_DTYPE_I16] = { SNG_DLPACK_CODE_INT, 16, 1 },
  [SNG_DTYPE_I8] = { SNG_DLPACK_CODE_INT, 8, 1 },
  [SNG_DTYPE_U8] = { SNG_DLPACK_CODE_UINT, 8, 1 },
  [SNG_DTYPE_BOOL] = { SNG_DLPACK_CODE_BOOL, 8, 1 },
  [SNG_DTYPE_U16] = { SNG_DLPACK_CODE_UINT, 16, 1 },
  [SNG_DTYPE_U32] = { SNG_DLPACK_CODE_UINT, 32, 1 },
  [SNG_DTYPE_U64] = { SNG_DLPACK_CODE_UINT, 64, 1 },
  [SNG_DTYPE_F8_E4M3] = { SNG_DLPACK_CODE_FLOAT8_E4M3FN, 8, 1 },
  [SNG_DTYPE_F8_E5M2] = { SNG_DLPACK_CODE_FLOAT8_E5M2, 8, 1 },
  [SNG_DTYPE_F8_E8M0] = { SNG_DLPACK_CODE_FLOAT8_E8M0FNU, 8, 1 },
  [SNG_DTYPE_F8_E4M3FNUZ] = { SNG_DLPACK_CODE_FLOAT8_E4M3FNUZ, 8, 1 },
  [SNG_DTYPE_F8_E5M2FNUZ] = { SNG_DLPACK_CODE_FLOAT8_E5M2FNUZ, 8, 1 },
  [SNG_DTYPE_C64] = { SNG_DLPACK_CODE_COMPLEX, 64, 1 },
};

static const char *code_names[] = {
  "Int",
  "UInt",
  "Float",
  "OpaqueHandle",
  "Bfloat",
  "Complex",
  "Bool",
  "Float8_e3m4",
  "Float8_e4m3",
  "Float8_e4m3b11fnuz",
  "Float8_e4m3fn",
  "Float8_e4m3fnuz",
  "Float8_e5m2",
  "Float8_e5m2fnuz",
  "Float8_e8m0fnu",
  "Float6_e2m3fn",
  "Float6_e3m2fn",
  "Float4_e2m1fn",
};

static const char *device_names[] = {
  [1] = "CPU",          [2] = "CUDA",    [3] = "CUDAHost", [4] = "OpenCL",    [7] = "Vulkan",
  [8] = "Metal",        [9] = "VPI",     [10] = "ROCM",    [11] = "ROCMHost", [12] = "ExtDev",
  [13] = "CUDAManaged", [14] = "OneAPI", [15] = "WebGPU",  [16] = "Hexagon",  [17] = "MAIA",
};

/* The name that the specification gives to a number, or "?" for one that is younger than this file. */
static const char *
name_of (const char **names, guint n_names, gint32 value)
{
  return value >= 0 && (guint) value < n_names && names[value] != NULL ? names[value] : "?";
}

/* What the specification calls a managed tensor has two forms; both end with their deleter. */
static void
release_versioned (gpointer managed)
{
  SngDlpackVersioned *versioned = managed;

  if (versioned->deleter != NULL)
    versioned->deleter (versioned);
}

static void
release_unversioned (gpointer managed)
{
  SngDlpackUnversioned *unversioned = managed;

  if (unversioned->deleter != NULL)
    unversioned->deleter (unversioned);
}

/* What was handed out, and to whose stream. */
typedef struct
{
  SngTensor *tensor;
  gint64 stream;
} Loan;

static Loan *
loan_new (SngTensor *tensor, gint64 stream)
{
  Loan *loan = g_new (Loan, 1);

  loan->tensor = g_object_ref (tensor);
  loan->stream = stream;
  return loan;
}

/* The receiver may be done with it here, and not yet on its stream. */
static void
loan_end (Loan *loan)
{
  SngDevice *device = loan->tensor->device;

  if (loan->stream != SNG_DLPACK_STREAM_NONE)
    SNG_DEVICE_GET_CLASS (device)->follow (device, (guint64) loan->stream);
  g_object_unref (loan->tensor);
  g_free (loan);
}

static void
delete_versioned (SngDlpackVersioned *managed)
{
  loan_end (managed->context);
  g_free (managed);
}

static void
delete_unversioned (SngDlpackUnversioned *managed)
{
  loan_end (managed->context);
  g_free (managed);
}

static SngDlpackTensor
describe_memory (SngTensor *self)
{
  return (SngDlpackTensor){
    .data = self->data,
    .device_type = SNG_DEVICE_GET_CLASS (self->device)->dlpack_type,
    .device_id = (gint32) self->device->index,
    .n_dims = (gint32) self->layout.n_dims,
    .dtype = dtypes[self->layout.dtype],
    .shape = self->dims,
    .strides = self->dims + self->layout.n_dims,
  };
}

static gboolean
check_export (SngTensor *self, gboolean versioned, gboolean copy, GError **error)
{
  const SngDeviceClass *device = SNG_DEVICE_GET_CLASS (self->device);
  g_autofree char *text = NULL;

  if (device->dlpack_type == 0)
    {
      text = sng_tensor_describe (self);
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[tensor][dlpack] %s lies in the memory of the device %s, which is not handed out", text,
                   device->name);
      return FALSE;
    }

  if (self->read_only && !versioned && !copy)
    {
      text = sng_tensor_describe (self);
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[tensor][dlpack] %s is read-only, which cannot be told before DLPack 1.0", text);
      return FALSE;
    }

  return TRUE;
}

/**
 * sng_tensor_get_dlpack_device:
 * @self: a tensor
 * @id: (out) (optional): the number of the device among those of its type
 *
 * Where the elements are, in the words of DLPack: what `__dlpack_device__ ()` returns in Python.
 *
 * Returns: the type of the device: 1 for the processor, 2 for a GPU of CUDA, 0 for
 *   memory that [method@Tensor.to_dlpack] does not hand out
 *
 * Since: 1.0
 */
int
sng_tensor_get_dlpack_device (SngTensor *self, int *id)
{
  g_return_val_if_fail (SNG_IS_TENSOR (self), 0);

  if (id != NULL)
    *id = (int) self->device->index;

  return SNG_DEVICE_GET_CLASS (self->device)->dlpack_type;
}

/* A managed tensor that gives the shared one back. */
static gpointer
manage (SngTensor *shared, gboolean versioned, gboolean copy, gint64 stream)
{
  if (versioned)
    {
      SngDlpackVersioned *managed = g_new (SngDlpackVersioned, 1);

      *managed = (SngDlpackVersioned){
        .major = SNG_DLPACK_MAJOR,
        .minor = SNG_DLPACK_MINOR,
        .context = loan_new (shared, stream),
        .deleter = delete_versioned,
        .flags = (shared->read_only ? SNG_DLPACK_FLAG_READ_ONLY : 0) | (copy ? SNG_DLPACK_FLAG_IS_COPIED : 0),
        .tensor = describe_memory (shared),
      };
      return managed;
    }
  else
    {
      SngDlpackUnversioned *managed = g_new (SngDlpackUnversioned, 1);

      *managed = (SngDlpackUnversioned){
        .tensor = describe_memory (shared),
        .context = loan_new (shared, stream),
        .deleter = delete_unversioned,
      };
      return managed;
    }
}

/**
 * sng_tensor_to_dlpack:
 * @self: a tensor
 * @versioned: whether the receiver knows DLPack 1.0
 * @copy: whether the receiver wants elements of its own
 * @error: return location for an error
 *
 * Hands the elements to another library, as
 * [DLPack](https://dmlc.github.io/dlpack/latest/) describes it: the memory is
 * shared, unless @copy.
 *
 * The result is the address of a `DLManagedTensorVersioned` of DLPack 1.0 when
 * @versioned, else of a `DLManagedTensor`. It holds a reference to @self, which
 * its deleter gives back, from any thread. Strides are always written. A
 * read-only tensor is marked as such, a copy as a copy. Not every library heeds
 * the mark: PyTorch 2.13 does not, and would write to a file's mapping, so hand
 * it a copy where it may write.
 *
 * In Python, `__dlpack__ ()` puts the address into a capsule: that is what
 * `torch.from_dlpack ()` and `numpy.from_dlpack ()` ask for.
 *
 * For a tensor in a GPU's memory this is [method@Tensor.to_dlpack_on] with the
 * default stream of CUDA, and fails as that.
 *
 * Returns: (transfer full): the address of the managed tensor; its deleter must
 *   be called once
 *
 * Since: 1.0
 */
gpointer
sng_tensor_to_dlpack (SngTensor *self, gboolean versioned, gboolean copy, GError **error)
{
  return sng_tensor_to_dlpack_on (self, versioned, copy, SNG_DLPACK_STREAM_DEFAULT, error);
}

/**
 * sng_tensor_to_dlpack_on:
 * @self: a tensor
 * @versioned: whether the receiver knows DLPack 1.0
 * @copy: whether the receiver wants elements of its own
 * @stream: the stream of the GPU on which the receiver will work with the elements, as DLPack has it:
 *   the address of a `cudaStream_t`, 1 for the default stream, 2 for that of the thread, or -1 for one
 *   that the receiver puts in order itself
 * @error: return location for an error
 *
 * Hands the elements to another library, as [method@Tensor.to_dlpack], on one of its
 * streams.
 *
 * What is put on @stream after this returns sees what was done with @self before, and what is done here after the deleter was
 * called comes after what was on @stream by then; nobody waits on the processor for either. What is done with @self in between,
 * here or there, is in order only where somebody sees to it: with [method@Device.get_stream], or by handing it out again. So a
 * save in the background does not wait for what the receiver writes meanwhile. @stream has to last until the deleter is called.
 * Work on other streams, or with -1 on any, is to be done by then.
 *
 * @stream means nothing for a tensor in the processor's memory.
 *
 * Fails with %SNG_ERROR_NOT_SUPPORTED when @self is in memory that its device does not hand out,
 * or is read-only and neither @versioned nor @copy, and with %SNG_ERROR_FAILED when
 * the memory for a copy cannot be had or the device has failed.
 *
 * Returns: (transfer full): the address of the managed tensor; its deleter must
 *   be called once
 *
 * Since: 1.0
 */
gpointer
sng_tensor_to_dlpack_on (SngTensor *self, gboolean versioned, gboolean copy, gint64 stream, GError **error)
{
  g_autoptr (SngTensor) shared = NULL;

  g_return_val_if_fail (SNG_IS_TENSOR (self), NULL);
  g_return_val_if_fail (stream != 0, NULL);

  if (!check_export (self, versioned, copy, error))
    return NULL;

  shared = copy ? sng_tensor_copy (self, error) : g_object_ref (self);
  if (shared == NULL
      || (stream != SNG_DLPACK_STREAM_NONE
          && !SNG_DEVICE_GET_CLASS (self->device)->lead (self->device, (guint64) stream, error)))
    return NULL;

  return manage (shared, versioned, copy, stream);
}

static gboolean
find_dtype (const SngDlpackDtype *foreign, SngDtype *dtype, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (dtypes[i].code == foreign->code && dtypes[i].bits == foreign->bits
        && dtypes[i].lanes == foreign->lanes)
      {
        *dtype = (SngDtype) i;
        return TRUE;
      }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
               "[tensor][dlpack] no tensor holds elements of the type %s (code %u) with %u bits and %u lanes",
               name_of (code_names, G_N_ELEMENTS (code_names), foreign->code), foreign->code, foreign->bits,
               foreign->lanes);
  return FALSE;
}

/* Whether what a managed tensor says of itself can be understood at all. */
static gboolean
check_header (const SngDlpackTensor *tensor, SngDtype *dtype, GError **error)
{
  if (tensor->n_dims < 0 || (tensor->n_dims > 0 && tensor->shape == NULL))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[tensor][dlpack] %d dimensions without a shape",
                   tensor->n_dims);
      return FALSE;
    }

  return find_dtype (&tensor->dtype, dtype, error);
}

/* The device that works on the memory, on that stream where it has streams. */
static SngDevice *
find_device (const SngDlpackTensor *tensor, gint64 stream, GError **error)
{
  const char *type = name_of (device_names, G_N_ELEMENTS (device_names), tensor->device_type);
  g_autofree char *name = NULL;
  SngDevice *device;

  switch (tensor->device_type)
    {
    case SNG_DLPACK_DEVICE_CPU:
    case SNG_DLPACK_DEVICE_CUDA_HOST:
      return g_object_ref (sng_device_get_default ());

    case SNG_DLPACK_DEVICE_CUDA:
      name = g_strdup_printf ("cuda:%d", tensor->device_id);
      device = sng_device_new_on_stream (name, (guint64) stream, error);
      if (device == NULL)
        g_prefix_error (error, "[tensor][dlpack] the elements are in the memory of %s (%d): ", type,
                        tensor->device_type);
      return device;

    default:
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
          "[tensor][dlpack] the elements are in the memory of %s (%d), not of the processor or of CUDA", type,
          tensor->device_type);
      return NULL;
    }
}

/* Finds the first element. Fails where some element would not be at an address that it can have. */
static gboolean
locate (SngTensor *self, const SngDlpackTensor *tensor, GError **error)
{
  gint64 size = (gint64) sng_dtype_get_size (self->layout.dtype);
  gint64 alignment = sng_dtype_is_complex (self->layout.dtype) ? size / 2 : size;
  guintptr address = (guintptr) tensor->data;
  gint64 lowest, highest, unused;
  const char *problem = NULL;

  if (self->layout.n_elements == 0)
    {
      self->data = tensor->data;
      return TRUE;
    }

  if (tensor->data == NULL)
    problem = "has no address";
  else if (__builtin_add_overflow (address, tensor->byte_offset, &address) || address > G_MAXINT64
           || !sng_layout_get_extent (&self->layout, &lowest, &highest)
           || __builtin_mul_overflow (lowest, size, &lowest)
           || __builtin_add_overflow ((gint64) address, lowest, &lowest) || lowest < 0
           || __builtin_add_overflow (highest, 1, &highest)
           || __builtin_mul_overflow (highest, size, &highest)
           || __builtin_add_overflow ((gint64) address, highest, &unused))
    problem = "reaches outside of what can be addressed";
  else if (address % (guintptr) alignment != 0)
    problem = "begins at an address that is no multiple of the size of an element";

  if (problem != NULL)
    {
      g_autofree char *text = sng_tensor_describe (self);

      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "[tensor][dlpack] %s %s", text, problem);
      return FALSE;
    }

  self->data = (char *) address;
  return TRUE;
}

/**
 * sng_tensor_new_from_dlpack:
 * @managed: the address of a managed tensor that another library made
 * @versioned: whether it is a `DLManagedTensorVersioned`, not a `DLManagedTensor`
 * @error: return location for an error
 *
 * Creates a tensor that shares the elements of another library, as
 * [DLPack](https://dmlc.github.io/dlpack/latest/) describes it: on the default device
 * where they are in the processor's memory.
 *
 * The new tensor owns @managed and calls its deleter when it goes, in whichever
 * thread drops the last reference. It is read-only where @managed is marked so.
 * Strides may be negative or 0; without any the elements are in row-major order.
 *
 * Where the elements are in a GPU's memory, this is [ctor@Tensor.new_from_dlpack_on] with the
 * default stream of CUDA.
 *
 * On failure @managed still belongs to the caller. The error is
 * %SNG_ERROR_NOT_SUPPORTED when the elements are in the memory of another device,
 * their type has no [enum@Dtype], or the major version of DLPack is not 1;
 * %SNG_ERROR_INVALID_ARGUMENT when the shape cannot be; and
 * %SNG_ERROR_INVALID_DATA when the elements are not where elements can be.
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new_from_dlpack (gpointer managed, gboolean versioned, GError **error)
{
  return sng_tensor_new_from_dlpack_on (managed, versioned, SNG_DLPACK_STREAM_DEFAULT, error);
}

/**
 * sng_tensor_new_from_dlpack_on:
 * @managed: the address of a managed tensor that another library made
 * @versioned: whether it is a `DLManagedTensorVersioned`, not a `DLManagedTensor`
 * @stream: the stream of the GPU that the elements are in order with: the address of a `cudaStream_t`, or 1 for the
 *   default stream
 * @error: return location for an error
 *
 * Creates a tensor that shares the elements of another library, as
 * [ctor@Tensor.new_from_dlpack].
 *
 * Where they are in a GPU's memory, all work on the new tensor is put on @stream, behind what is
 * there, and what is put there later comes after it. So @stream is the one that the other library works on, and the one
 * that it was told when it was asked for @managed (in Python `__dlpack__ (stream=…)`): then nobody has
 * to wait. It has to last as long as the process uses it. There is one device
 * for each GPU and stream, [method@Tensor.get_device].
 *
 * @stream means nothing for elements in the processor's memory. 2, the default stream of each thread, is another one in
 * each and is refused with %SNG_ERROR_NOT_SUPPORTED.
 *
 * On failure @managed still belongs to the caller. Beside the errors of
 * [ctor@Tensor.new_from_dlpack] there are those of [ctor@Device.new].
 *
 * Returns: (transfer full): a new tensor
 *
 * Since: 1.0
 */
SngTensor *
sng_tensor_new_from_dlpack_on (gpointer managed, gboolean versioned, gint64 stream, GError **error)
{
  g_autoptr (SngTensor) self = NULL;
  const SngDlpackVersioned *header = versioned ? managed : NULL;
  const SngDlpackTensor *tensor;
  SngDtype dtype;

  g_return_val_if_fail (managed != NULL, NULL);
  g_return_val_if_fail (stream > 0, NULL);

  if (header != NULL && header->major != SNG_DLPACK_MAJOR)
    {
      g_set_error (
          error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
          "[tensor][dlpack] the tensor speaks version %u.%u of DLPack, only version %d is understood",
          header->major, header->minor, SNG_DLPACK_MAJOR);
      return NULL;
    }

  tensor = header != NULL ? &header->tensor : &((const SngDlpackUnversioned *) managed)->tensor;
  if (!check_header (tensor, &dtype, error))
    return NULL;

  self = sng_tensor_new_layout (dtype, tensor->shape, tensor->strides, tensor->n_dims, error);
  if (self == NULL || (self->device = find_device (tensor, stream, error)) == NULL
      || !locate (self, tensor, error))
    return NULL;

  self->read_only = header != NULL && (header->flags & SNG_DLPACK_FLAG_READ_ONLY) != 0;
  self->owner = managed;
  self->release_owner = versioned ? release_versioned : release_unversioned;

  return g_steal_pointer (&self);
}

typedef int (*CapsuleIsValid) (gpointer capsule, const char *name);
typedef gpointer (*CapsuleGetPointer) (gpointer capsule, const char *name);

static CapsuleIsValid capsule_is_valid;
static CapsuleGetPointer capsule_get_pointer;

/* Whoever takes over the content of a capsule gives it another name. */
static void
destroy_capsule (gpointer capsule)
{
  if (capsule_is_valid (capsule, "dltensor_versioned"))
    release_versioned (capsule_get_pointer (capsule, "dltensor_versioned"));
  else if (capsule_is_valid (capsule, "dltensor"))
    release_unversioned (capsule_get_pointer (capsule, "dltensor"));
}

/**
 * sng_dlpack_get_capsule_destructor:
 * @is_valid: the address of Python's `PyCapsule_IsValid ()`
 * @get_pointer: the address of Python's `PyCapsule_GetPointer ()`
 *
 * For the binding to Python, which has no C code of its own: the function that
 * calls the deleter of a managed tensor when its capsule goes without having
 * been taken over.
 *
 * It cannot be a Python function, since a capsule often goes while an exception
 * is on its way. The addresses are those of the one interpreter of the process.
 *
 * Returns: (transfer none): the address of a destructor for `PyCapsule_New ()`
 *
 * Since: 1.0
 */
gpointer
sng_dlpack_get_capsule_destructor (gpointer is_valid, gpointer get_pointer)
{
  g_return_val_if_fail (is_valid != NULL && get_pointer != NULL, NULL);

  capsule_is_valid = (CapsuleIsValid) is_valid;
  capsule_get_pointer = (CapsuleGetPointer) get_pointer;

  return (gpointer) destroy_capsule;
}
