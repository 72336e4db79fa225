/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "compare/sng-tolerance.h"
#include "tensor/sng-tensor.h"

G_BEGIN_DECLS

/* The elements of a tensor, contiguous and where the processor can read them. Clear with sng_elements_clear(). */
typedef struct
{
  SngTensor  *tensor;
  SngDtype    dtype;
  gsize       element_size;
  gint64      n_elements;
  const char *data;
} SngElements;

/* Distances by decades: one decimal digit, two, and so on up to the twenty of G_MAXUINT64. */
#define SNG_ELEMENT_N_DECADES 20

/* What comparing two tensors of one layout element by element yields. */
typedef struct
{
  guint64 n_different;
  gint64  first;          /* position of the first that differs, in row-major order; -1 for none */
  guint64 max_distance;   /* in units in the last place, of the part that is further apart; of integers: the absolute difference */
  double  max_difference; /* of the numbers; one of NaN does not count */
  guint64 n_unordered;    /* pairs with a NaN; they have no distance */
  guint64 decades[SNG_ELEMENT_N_DECADES]; /* the other pairs, by the number of digits of their distance */
} SngElementScan;

/* The distance of a NaN to anything but itself. */
#define SNG_ELEMENT_UNORDERED G_MAXUINT64

gboolean sng_elements_init     (SngElements        *self,
                                SngTensor          *tensor,
                                GError            **error);
void     sng_elements_clear    (SngElements        *self);
guint64  sng_elements_get_bits (const SngElements  *self,
                                gint64              position);
char    *sng_elements_print    (const SngElements  *self,
                                gint64              position);
/* Counts the elements of different bits; with a tolerance, and a floating-point dtype, those that it does not accept. */
void     sng_elements_scan     (const SngElements  *expected,
                                const SngElements  *actual,
                                const SngTolerance *tolerance,
                                SngElementScan     *scan);

guint64  sng_element_distance  (SngDtype            dtype,
                                guint64             a,
                                guint64             b);
/* Takes the distance of one more pair into the counts by distance. */
void     sng_element_scan_count_distance (SngElementScan *scan,
                                          SngDtype        dtype,
                                          guint64         distance);
/* "0x3f800000": as many digits as the dtype has; of a complex one "0x3f800000, 0x40000000" */
char    *sng_element_print_bits (SngDtype           dtype,
                                 guint64            bits);
/* "3 ULP apart", "differ by 3", "not comparable: one is not a number" */
char    *sng_element_print_distance (SngDtype       dtype,
                                     guint64        distance);
/* "[0, 5]" */
char    *sng_tensor_print_position (SngTensor      *tensor,
                                    gint64          position);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SngElements, sng_elements_clear)

G_END_DECLS
