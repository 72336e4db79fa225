/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <sng.h>
#include "tensor/sng-philox-private.h"

/* The known answers that the Random123 distribution publishes for philox4x32 with 10 rounds. */
static const struct
{
  guint32 counter[4];
  guint32 key[2];
  guint32 output[4];
} known[] = {
  { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
  { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
    { 0xffffffff, 0xffffffff },
    { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
  { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
    { 0xa4093822, 0x299f31d0 },
    { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

static void
test_known_answers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      guint32 output[4];

      sng_philox4x32 ((guint64) known[i].key[1] << 32 | known[i].key[0], known[i].counter, output);
      g_assert_cmpmem (output, sizeof output, known[i].output, sizeof known[i].output);
    }
}

/* Every bit of key and counter matters. */
static void
test_bits (void)
{
  guint32 before[4];

  sng_philox4x32 (0, known[0].counter, before);

  for (guint bit = 0; bit < 192; bit++)
    {
      guint32 counter[4] = { 0 };
      guint32 after[4];
      guint n_changed = 0;

      if (bit < 128)
        counter[bit / 32] = 1u << bit % 32;
      sng_philox4x32 (bit < 128 ? 0 : G_GUINT64_CONSTANT (1) << (bit - 128), counter, after);

      for (guint i = 0; i < 4; i++)
        n_changed += __builtin_popcount (before[i] ^ after[i]);
      g_assert_cmpuint (n_changed, >, 30);
      g_assert_cmpuint (n_changed, <, 98);
    }
}

static void
test_uniform (void)
{
  double sum = 0;

  g_assert_cmpfloat (sng_philox_uniform (0), ==, 0);
  g_assert_cmpfloat (sng_philox_uniform (0xff), ==, 0);
  g_assert_cmpfloat (sng_philox_uniform (0x80000000), ==, 0.5);
  g_assert_cmpfloat (sng_philox_uniform (0xffffffff), ==, 1 - 0x1p-24);

  for (guint32 i = 0; i < 10000; i++)
    {
      guint32 counter[4] = { i, 0, 0, 0 };
      guint32 output[4];

      sng_philox4x32 (42, counter, output);
      for (guint k = 0; k < 4; k++)
        sum += sng_philox_uniform (output[k]);
    }

  g_assert_cmpfloat_with_epsilon (sum / 40000, 0.5, 0.005);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sng/philox/known-answers", test_known_answers);
  g_test_add_func ("/sng/philox/bits", test_bits);
  g_test_add_func ("/sng/philox/uniform", test_uniform);

  return g_test_run ();
}
