/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A training with a loop and checkpoints of its own: fits a line to points by gradient descent with momentum, sample by sample in a random
 * order. train DIRECTORY goes on from the checkpoint in the directory, if there is one. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_STEPS 20
#define SAVE_EVERY 3

typedef struct
{
  unsigned long step;
  unsigned long random;
  double slope, offset;
  double slope_momentum, offset_momentum;
} State;

static double
draw (State *state)
{
  state->random = (state->random * 6364136223846793005ul + 1442695040888963407ul) & 0xffffffffffffffff;

  return (double) (state->random >> 11) / (double) (1ul << 53);
}

static double
train_step (State *state)
{
  double x = draw (state);
  double error = state->slope * x + state->offset - (3.0 * x - 1.0);

  state->slope_momentum = 0.9 * state->slope_momentum + 2.0 * error * x;
  state->offset_momentum = 0.9 * state->offset_momentum + 2.0 * error;
  state->slope -= 0.05 * state->slope_momentum;
  state->offset -= 0.05 * state->offset_momentum;
  state->step++;

  return error * error;
}

static int
save (const State *state, const char *path)
{
  char temporary[4096 + 8];
  FILE *file;
  int saved;

  snprintf (temporary, sizeof temporary, "%s.new", path);
  file = fopen (temporary, "wb");
  if (file == NULL)
    return 0;

  saved = fwrite (state, sizeof *state, 1, file) == 1 && fflush (file) == 0 && fsync (fileno (file)) == 0;

  return fclose (file) == 0 && saved && rename (temporary, path) == 0;
}

static void
load (State *state, const char *path)
{
  FILE *file = fopen (path, "rb");
  State loaded;

  if (file == NULL)
    return;

  if (fread (&loaded, sizeof loaded, 1, file) == 1)
    *state = loaded;
  fclose (file);
}

int
main (int argc, char *argv[])
{
  State state = { .random = 1 };
  char path[4096];

  snprintf (path, sizeof path, "%s/checkpoint", argc > 1 ? argv[1] : ".");
  load (&state, path);

  while (state.step < N_STEPS)
    {
      double loss = train_step (&state);

      printf ("step %lu: loss %g\n", state.step, loss);

      if (state.step % SAVE_EVERY == 0 && !save (&state, path))
        {
          perror (path);
          return EXIT_FAILURE;
        }
    }

  return EXIT_SUCCESS;
}
