/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sng-emulator-simt-private.h"

#include "tensor/sng-half-private.h"

namespace emulator
{

void
warp_complete (Warp &warp)
{
  SngSimtSlots &slots = warp.slots[warp.current];

  if (warp.combine != nullptr)
    warp.combine (slots);
  warp.n_arrived = 0;
  warp.current ^= 1u;
  warp.slots[warp.current].lanes = 0;
  /* The threads themselves notice by their state. */
  warp.ready |= slots.lanes;
}

namespace
{

/* The last lane combines what all have given and goes on at once; the others wait. */
SngSimtSlots &
arrive (const SngSimtPlace &place, const void *value, size_t n_bytes, void (*combine) (SngSimtSlots &slots))
{
  Thread &self = thread_running ();
  Warp &warp = *self.warp;
  SngSimtSlots &slots = warp.slots[warp.current];

  if (n_bytes > SNG_SIMT_SLOT)
    fault ("%s exchanges %zu bytes", place.what, n_bytes);
  if (warp.n_arrived == 0)
    {
      warp.place = place;
      warp.combine = combine;
    }
  else if (!same_place (warp.place, place))
    fault ("divergence: it is at %s (%s:%d), but other lanes of its warp wait at %s (%s:%d)", place.what,
           place.file, place.line, warp.place.what, warp.place.file, warp.place.line);

  if (n_bytes > 0)
    memcpy (slots.slots[self.lane], value, n_bytes);
  slots.lanes |= 1u << self.lane;
  warp.n_arrived++;
  if (warp.n_arrived < warp.n_live)
    {
      thread_wait (State::AT_WARP, place);
      self.state = State::READY;
    }
  else
    {
      warp_complete (warp);
      warp.ready &= ~(1u << self.lane);
      self.place = place;
    }
  return slots;
}

/* The fragments of mma.m16n8k16, as the PTX manual has them: lane = 4 group + pair.
 *   a: registers 0..3 hold rows group, group + 8, group, group + 8 at columns 2 pair, +1 (0, 1) and 2 pair + 8, +9 (2, 3)
 *   b: registers 0, 1 hold rows 2 pair, +1 and 2 pair + 8, +9 of column group
 *   d: 0, 1 are row group, columns 2 pair, +1; 2, 3 are row group + 8 */
struct Fragments
{
  float d[4];
  unsigned a[4];
  unsigned b[2];
};
static_assert (sizeof (Fragments) <= SNG_SIMT_SLOT, "fragments fit a slot");

/* d += a b, in f32 by ascending k. */
template <float (*to_float) (guint16)>
void
combine_mma (SngSimtSlots &slots)
{
  float a[16][16], b[16][8], d[16][8];

  if (slots.lanes != 0xffffffffu)
    fault ("mma needs all 32 lanes of the warp");
  for (unsigned lane = 0; lane < SNG_SIMT_WARP; lane++)
    {
      const Fragments &fragments = reinterpret_cast<const Fragments &> (slots.slots[lane]);
      unsigned group = lane / 4, pair = lane % 4;

      for (unsigned half = 0; half < 2; half++)
        {
          for (unsigned i = 0; i < 4; i++)
            a[group + i % 2 * 8][2 * pair + i / 2 * 8 + half] =
                to_float ((guint16) (fragments.a[i] >> (16 * half)));
          for (unsigned i = 0; i < 2; i++)
            {
              b[2 * pair + i * 8 + half][group] = to_float ((guint16) (fragments.b[i] >> (16 * half)));
              d[group + i * 8][2 * pair + half] = fragments.d[2 * i + half];
            }
        }
    }
  for (unsigned row = 0; row < 16; row++)
    for (unsigned k = 0; k < 16; k++)
      for (unsigned column = 0; column < 8; column++)
        d[row][column] += a[row][k] * b[k][column];
  for (unsigned lane = 0; lane < SNG_SIMT_WARP; lane++)
    for (unsigned i = 0; i < 4; i++)
      reinterpret_cast<Fragments &> (slots.slots[lane]).d[i] = d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
}

/* The address of each lane's row of 16 bytes goes in, its four registers come out. Matrix m has its rows from lanes
 * 8 m to 8 m + 7. */
template <bool transposed>
void
combine_ldmatrix (SngSimtSlots &slots)
{
  guint16 matrices[4][8][8];

  if (slots.lanes != 0xffffffffu)
    fault ("ldmatrix needs all 32 lanes of the warp");
  for (unsigned lane = 0; lane < SNG_SIMT_WARP; lane++)
    {
      const void *row;

      memcpy (&row, slots.slots[lane], sizeof row);
      memcpy (matrices[lane / 8][lane % 8], row, 16);
    }
  for (unsigned lane = 0; lane < SNG_SIMT_WARP; lane++)
    for (unsigned m = 0; m < 4; m++)
      {
        unsigned i = lane / 4, j = lane % 4 * 2;
        unsigned low = transposed ? matrices[m][j][i] : matrices[m][i][j];
        unsigned high = transposed ? matrices[m][j + 1][i] : matrices[m][i][j + 1];
        unsigned both = low | high << 16;

        memcpy (slots.slots[lane] + 4 * m, &both, sizeof both);
      }
}

void
check_shared_16 (const char *what, const void *pointer)
{
  if (!shared_contains (pointer, 16))
    fault ("%s: %p is not in the shared memory of the block", what, pointer);
  if ((uintptr_t) pointer % 16 != 0)
    fault ("%s: %p is not aligned to 16 bytes", what, pointer);
}

} // namespace

} // namespace emulator

using namespace emulator;

const SngSimtSlots *
sng_simt_exchange (SngSimtPlace place, unsigned mask, const void *value, size_t n_bytes)
{
  if (mask != 0xffffffffu)
    fault ("%s (%s:%d) has the mask 0x%08x: only the full one is emulated", place.what, place.file,
           place.line, mask);
  return &arrive (place, value, n_bytes, nullptr);
}

void
sng_simt_mma_m16n8k16 (SngSimtPlace place, bool bf16, float d[4], const unsigned a[4], const unsigned b[2])
{
  Fragments fragments;

  memcpy (fragments.d, d, sizeof fragments.d);
  memcpy (fragments.a, a, sizeof fragments.a);
  memcpy (fragments.b, b, sizeof fragments.b);
  const SngSimtSlots &slots = arrive (place, &fragments, sizeof fragments,
                                      bf16 ? combine_mma<sng_bf16_to_float> : combine_mma<sng_f16_to_float>);
  memcpy (d, slots.slots[thread_running ().lane], sizeof fragments.d);
}

void
sng_simt_ldmatrix_x4 (SngSimtPlace place, bool transposed, unsigned r[4], const void *shared_row)
{
  check_shared_16 ("ldmatrix", shared_row);
  const SngSimtSlots &slots = arrive (place, &shared_row, sizeof shared_row,
                                      transposed ? combine_ldmatrix<true> : combine_ldmatrix<false>);
  memcpy (r, slots.slots[thread_running ().lane], 16);
}

/* Nothing is copied before somebody waits for it, so that a kernel that does not wait reads what was there before. */
void
sng_simt_cp_async_16 (void *shared, const void *global)
{
  check_shared_16 ("cp.async", shared);
  if ((uintptr_t) global % 16 != 0)
    fault ("cp.async: the source %p is not aligned to 16 bytes", global);
  thread_running ().copies.push_back ({ shared, global });
}

void
sng_simt_cp_async_commit ()
{
  Thread &self = thread_running ();

  self.groups.push_back (self.copies.size ());
}

void
sng_simt_cp_async_wait (unsigned n_pending)
{
  Thread &self = thread_running ();

  if (self.groups.size () <= n_pending)
    return;

  size_t n_groups = self.groups.size () - n_pending;
  size_t n_copies = self.groups[n_groups - 1];

  for (size_t i = 0; i < n_copies; i++)
    memcpy (self.copies[i].to, self.copies[i].from, 16);
  self.copies.erase (self.copies.begin (), self.copies.begin () + (std::ptrdiff_t) n_copies);
  self.groups.erase (self.groups.begin (), self.groups.begin () + (std::ptrdiff_t) n_groups);
  for (size_t &end : self.groups)
    end -= n_copies;
}
