/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The binary interface of DLPack, as its specification describes it: https://dmlc.github.io/dlpack/latest/ */

#define SNG_DLPACK_MAJOR 1
#define SNG_DLPACK_MINOR 1 /* the first with 8-bit floating point types */

/* What __dlpack__ () takes as a stream of CUDA that has no address. */
#define SNG_DLPACK_STREAM_NONE    (-1) /* nothing is to be put in order */
#define SNG_DLPACK_STREAM_DEFAULT 1

typedef enum
{
  SNG_DLPACK_DEVICE_CPU = 1,
  SNG_DLPACK_DEVICE_CUDA = 2,
  SNG_DLPACK_DEVICE_CUDA_HOST = 3, /* pinned; the processor reads it as any other */
} SngDlpackDeviceType;

typedef enum
{
  SNG_DLPACK_CODE_INT = 0,
  SNG_DLPACK_CODE_UINT = 1,
  SNG_DLPACK_CODE_FLOAT = 2,
  SNG_DLPACK_CODE_BFLOAT = 4,
  SNG_DLPACK_CODE_COMPLEX = 5,
  SNG_DLPACK_CODE_BOOL = 6,
  SNG_DLPACK_CODE_FLOAT8_E4M3FN = 10,
  SNG_DLPACK_CODE_FLOAT8_E4M3FNUZ = 11,
  SNG_DLPACK_CODE_FLOAT8_E5M2 = 12,
  SNG_DLPACK_CODE_FLOAT8_E5M2FNUZ = 13,
  SNG_DLPACK_CODE_FLOAT8_E8M0FNU = 14,
} SngDlpackCode;

typedef enum
{
  SNG_DLPACK_FLAG_READ_ONLY = 1 << 0,
  SNG_DLPACK_FLAG_IS_COPIED = 1 << 1,
} SngDlpackFlags;

typedef struct
{
  guint8  code; /* SngDlpackCode */
  guint8  bits; /* of one lane */
  guint16 lanes;
} SngDlpackDtype;

typedef struct
{
  gpointer       data;
  gint32         device_type; /* SngDlpackDeviceType */
  gint32         device_id;
  gint32         n_dims;
  SngDlpackDtype dtype;
  gint64        *shape;
  gint64        *strides; /* in elements; NULL for row-major without gaps */
  guint64        byte_offset; /* of the first element from data */
} SngDlpackTensor;

/* Since DLPack 1.0. Everything before the flags is where it is in every version to come. */
typedef struct _SngDlpackVersioned SngDlpackVersioned;

struct _SngDlpackVersioned
{
  guint32         major;
  guint32         minor;
  gpointer        context;
  void          (*deleter) (SngDlpackVersioned *self); /* may be NULL */
  guint64         flags; /* SngDlpackFlags */
  SngDlpackTensor tensor;
};

/* Before DLPack 1.0. */
typedef struct _SngDlpackUnversioned SngDlpackUnversioned;

struct _SngDlpackUnversioned
{
  SngDlpackTensor tensor;
  gpointer        context;
  void          (*deleter) (SngDlpackUnversioned *self); /* may be NULL */
};

G_END_DECLS
