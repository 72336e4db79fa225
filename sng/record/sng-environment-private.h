/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the numbers of a run may depend on beside its program: hardware, drivers, versions, settings. It is an a{ss}, sorted by
 * its keys, and holds nothing that is another one each time: no time, no process, no path, no address. */

/* The info of a store that has it. */
#define SNG_ENVIRONMENT_INFO "environment"
/* The key of the device: its kind and, where there are several, a colon and its number. */
#define SNG_ENVIRONMENT_DEVICE "device"

/* Whether the key is that of a choice that a device made when it first had to. A run knows of those that were made in its process
 * until it ended: where it was stopped or killed that is fewer, and after another training more. So a run that lacks such a key
 * does not differ from one that has it. */
gboolean   sng_environment_is_choice        (const char *key);

/* The variables of this process that libraries take settings from. */
GVariant  *sng_environment_read_variables   (void);
/* What either has, and what @second has of what both have. Takes floating references. @first: (nullable). */
GVariant  *sng_environment_merge            (GVariant   *first,
                                             GVariant   *second);

typedef struct
{
  const char *key;
  const char *expected; /* NULL: none */
  const char *found;    /* NULL: none */
  guint       n_more;   /* choices that differ as well, and are not told */
} SngEnvironmentDifference;

/* Of SngEnvironmentDifference, in the order of the keys, then the first few of the choices; valid as long as both. Where either is
 * NULL, nothing is known to differ. */
GArray    *sng_environment_compare          (GVariant   *expected,
                                             GVariant   *found);
/* What the one has, and what the other, whose name is given: "driver 580.1, continuous 570.2"; and how many more choices differ. */
char      *sng_environment_difference_to_string (const SngEnvironmentDifference *self,
                                                 const char *expected_name);
/* Whether they are devices of two kinds, of which nobody expects the same bits. */
gboolean   sng_environment_is_other_kind    (const char *device,
                                             const char *other);

G_END_DECLS
