/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record/sng-file-contents-private.h"

#include <string.h>

#include "sng-error.h"

/* numpy.lib.format describes the format: a magic string, two bytes of version, the length of the header in two bytes (version 1)
 * or four (2 and 3), and the header, which is a Python dictionary of three members, written as a literal. The elements follow. */

#define MAGIC "\x93NUMPY"
#define MAX_DIMS 32

typedef struct
{
  const char *at;
  const char *end;

  char *descr;
  gboolean is_fortran;
  gboolean has_order;
  gint64 shape[MAX_DIMS];
  guint n_dims;
  gboolean has_shape;
} Header;

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_DATA, "not a .npy array: %s", what);
  return FALSE;
}

static void
skip_space (Header *self)
{
  while (self->at < self->end && strchr (" \t\r\n", *self->at) != NULL && *self->at != '\0')
    self->at++;
}

static gboolean
take (Header *self, char character)
{
  skip_space (self);
  if (self->at == self->end || *self->at != character)
    return FALSE;

  self->at++;
  return TRUE;
}

/* Between two members, and before the end. */
static gboolean
take_comma (Header *self, char close)
{
  if (take (self, ','))
    return TRUE;

  return self->at < self->end && *self->at == close;
}

static gboolean
take_word (Header *self, const char *word)
{
  gsize n = strlen (word);

  skip_space (self);
  if ((gsize) (self->end - self->at) < n || memcmp (self->at, word, n) != 0)
    return FALSE;

  self->at += n;
  return TRUE;
}

/* A string without escapes, which none of those in a header needs; else NULL. */
static char *
take_string (Header *self)
{
  char quote = take (self, '\'') ? '\'' : take (self, '"') ? '"' : '\0';
  const char *close = quote != '\0' ? memchr (self->at, quote, (gsize) (self->end - self->at)) : NULL;
  char *string;

  if (close == NULL || memchr (self->at, '\\', (gsize) (close - self->at)) != NULL
      || memchr (self->at, '\0', (gsize) (close - self->at)) != NULL)
    return NULL;

  string = g_strndup (self->at, (gsize) (close - self->at));
  self->at = close + 1;

  return string;
}

/* A size; Python 2 wrote an L behind it. */
static gboolean
take_size (Header *self, gint64 *size)
{
  const char *from;

  skip_space (self);
  from = self->at;
  for (*size = 0; self->at < self->end && g_ascii_isdigit (*self->at); self->at++)
    if (__builtin_mul_overflow (*size, 10, size) || __builtin_add_overflow (*size, *self->at - '0', size))
      return FALSE;
  if (self->at == from)
    return FALSE;

  take (self, 'L');
  return TRUE;
}

static gboolean
parse_shape (Header *self, GError **error)
{
  if (!take (self, '('))
    return refuse (error, "its shape is not a tuple");

  while (!take (self, ')'))
    {
      if (self->n_dims == MAX_DIMS)
        return refuse (error, "more than 32 dimensions");
      if (!take_size (self, &self->shape[self->n_dims]))
        return refuse (error, "a dimension is not a whole number");
      self->n_dims++;
      if (!take_comma (self, ')'))
        return refuse (error, "its shape does not end");
    }

  self->has_shape = TRUE;
  return TRUE;
}

static gboolean
parse_member (Header *self, GError **error)
{
  g_autofree char *name = take_string (self);

  if (name == NULL || !take (self, ':'))
    return refuse (error, "its header is not a dictionary");

  if (g_str_equal (name, "descr") && self->descr == NULL)
    {
      self->descr = take_string (self);
      return self->descr != NULL || refuse (error, "its elements are no plain numbers");
    }
  if (g_str_equal (name, "fortran_order") && !self->has_order)
    {
      self->has_order = TRUE;
      self->is_fortran = take_word (self, "True");
      return self->is_fortran || take_word (self, "False")
             || refuse (error, "fortran_order is neither True nor False");
    }
  if (g_str_equal (name, "shape") && !self->has_shape)
    return parse_shape (self, error);

  return refuse (error, "its header has another member, or one twice");
}

static gboolean
parse_header (Header *self, GError **error)
{
  if (!take (self, '{'))
    return refuse (error, "its header is not a dictionary");

  while (!take (self, '}'))
    {
      if (!parse_member (self, error))
        return FALSE;
      if (!take_comma (self, '}'))
        return refuse (error, "its header does not end");
    }

  skip_space (self);
  if (self->at != self->end)
    return refuse (error, "something follows in its header");
  if (self->descr == NULL || !self->has_order || !self->has_shape)
    return refuse (error, "its header lacks descr, fortran_order or shape");

  return TRUE;
}

static const struct
{
  const char *name;
  SngDtype dtype;
} dtypes[] = {
  { "f8", SNG_DTYPE_F64 },  { "f4", SNG_DTYPE_F32 }, { "f2", SNG_DTYPE_F16 }, { "i8", SNG_DTYPE_I64 },
  { "i4", SNG_DTYPE_I32 },  { "i2", SNG_DTYPE_I16 }, { "i1", SNG_DTYPE_I8 },  { "u1", SNG_DTYPE_U8 },
  { "b1", SNG_DTYPE_BOOL }, { "u2", SNG_DTYPE_U16 }, { "u4", SNG_DTYPE_U32 }, { "u8", SNG_DTYPE_U64 },
  { "c8", SNG_DTYPE_C64 },
};

/* "<f4": the order of the bytes, which does not count where there is one, kind, and size. */
static gboolean
find_dtype (const char *descr, SngDtype *dtype, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid (descr, -1);
  gboolean has_order = descr[0] != '\0' && strchr ("<|>=", descr[0]) != NULL;

  for (guint i = 0; has_order && i < G_N_ELEMENTS (dtypes); i++)
    if (g_str_equal (descr + 1, dtypes[i].name)
        && (descr[0] == '<' || sng_dtype_get_size (dtypes[i].dtype) == 1))
      {
        *dtype = dtypes[i].dtype;
        return TRUE;
      }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
               "a .npy array of the type '%s' is not read: what is read are little-endian numbers", valid);
  return FALSE;
}

/* The same elements with the first index running fastest. */
static SngTensor *
turn_around (const Header *header, SngDtype dtype, GBytes *bytes, GError **error)
{
  gint64 reversed[MAX_DIMS], strides[MAX_DIMS];
  g_autoptr (SngTensor) base = NULL;
  gint64 stride = 1;

  for (guint i = 0; i < header->n_dims; i++)
    {
      reversed[header->n_dims - 1 - i] = header->shape[i];
      strides[i] = stride;
      if (__builtin_mul_overflow (stride, header->shape[i], &stride))
        stride = 0; /* the base cannot be, or has no elements */
    }

  base = sng_tensor_new_from_bytes (dtype, reversed, header->n_dims, bytes, error);

  return base != NULL
             ? sng_tensor_new_view (base, 0, header->shape, header->n_dims, strides, header->n_dims, error)
             : NULL;
}

/* Where the header begins and how long it is. */
static gboolean
find_header (const guint8 *data, gsize size, gsize *begin, gsize *length, GError **error)
{
  guint8 major;

  if (size < 10 || memcmp (data, MAGIC, strlen (MAGIC)) != 0)
    return refuse (error, "it does not begin with the format's magic string");

  major = data[6];
  if (major < 1 || major > 3 || data[7] != 0 || (major > 1 && size < 12))
    return refuse (error, "a version that is none of 1.0, 2.0 and 3.0");

  *length = (gsize) data[8] | (gsize) data[9] << 8;
  if (major > 1)
    *length |= (gsize) data[10] << 16 | (gsize) data[11] << 24;
  *begin = major > 1 ? 12 : 10;
  if (*length > size - *begin)
    return refuse (error, "the file ends in its header");

  return TRUE;
}

GPtrArray *
sng_npy_read (GBytes *contents, GError **error)
{
  g_autoptr (GPtrArray) found = sng_file_contents_new ();
  g_autoptr (GBytes) elements = NULL;
  g_autoptr (SngTensor) tensor = NULL;
  g_autofree char *descr = NULL;
  Header header = { NULL };
  gsize size, begin, length;
  const char *data = g_bytes_get_data (contents, &size);
  SngDtype dtype;
  gboolean parsed;

  if (!find_header ((const guint8 *) data, size, &begin, &length, error))
    return NULL;

  header.at = data + begin;
  header.end = header.at + length;
  parsed = parse_header (&header, error);
  descr = header.descr;
  if (!parsed || !find_dtype (descr, &dtype, error))
    return NULL;

  elements = g_bytes_new_from_bytes (contents, begin + length, size - begin - length);
  tensor = header.is_fortran
               ? turn_around (&header, dtype, elements, error)
               : sng_tensor_new_from_bytes (dtype, header.shape, header.n_dims, elements, error);
  if (tensor == NULL)
    return NULL;

  sng_file_contents_add_tensor (found, "", tensor);

  return g_steal_pointer (&found);
}
