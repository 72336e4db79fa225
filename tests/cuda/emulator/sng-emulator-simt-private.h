/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "sng-emulator-private.h"

namespace emulator
{

enum class State
{
  READY,
  AT_WARP,
  AT_BARRIER,
  DONE
};

struct Warp;

struct Copy
{
  void       *to;
  const void *from;
};

struct Thread
{
  unsigned     index;
  unsigned     lane;
  Warp        *warp;
  uint3        position;
  State        state;
  SngSimtPlace place; /* where it waits, or waited last */

  /* Asynchronous copies that nobody has waited for; those of a group end at its count of copies. */
  std::vector<Copy>   copies;
  std::vector<size_t> groups;
};

/* Two exchanges' slots, since a fast lane may be at the next one while a slow one still reads the last. */
struct Warp
{
  Thread      *first;
  unsigned     n_live;
  unsigned     n_arrived;
  unsigned     ready; /* the lanes that can run */
  unsigned     current;
  SngSimtPlace place;
  void (*combine) (SngSimtSlots &slots);
  SngSimtSlots slots[2];
};

/* Texts are compared by their address first: that is enough where all come from one module. */
static inline bool
same_place (const SngSimtPlace &a, const SngSimtPlace &b)
{
  return a.line == b.line && (a.what == b.what || strcmp (a.what, b.what) == 0)
         && (a.file == b.file || strcmp (a.file, b.file) == 0);
}

Thread &thread_running ();
/* Lets the others run until the state is READY again. */
void    thread_wait (State state, const SngSimtPlace &place);
/* All live lanes have arrived: they go on. */
void    warp_complete (Warp &warp);
bool    shared_contains (const void *pointer, size_t n_bytes);
void    describe_position (char *text, size_t n_bytes);
cudaError_t simt_set_shared_limit (const void *function, int n_bytes);

} // namespace emulator
