/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-rng-stream.h"

#include <string.h>
#include <xxhash.h>

#include "sng-error.h"
#include "tensor/sng-philox-private.h"
#include "train/sng-settings-private.h"

/**
 * SngRngStream:
 *
 * A stream of random numbers for one purpose on one rank.
 *
 * The numbers come from Philox4x32-10 (Salmon, Moraes, Dror, Shaw: *Parallel
 * random numbers: as easy as 1, 2, 3*, SC 2011), which turns a 64-bit key and a
 * 128-bit counter into 128 random bits. There is no hidden state that advances
 * with each draw: a draw is a pure function of the key, the number of the
 * sample and the place within the sample. So masks and dropout stay the same
 * however a batch is cut or padded, and all that a checkpoint needs is the
 * position: how many samples the stream has served.
 *
 * The key is XXH3-64 over the seed (8 bytes, little endian), the rank (4
 * bytes, little endian) and the purpose (UTF-8, without the final zero).
 *
 * The four 32-bit words of the counter are, for [method@Sng.RngStream.uniform],
 *
 * | word | holds |
 * |---|---|
 * | 0 | lane / 4; the lane modulo 4 selects one of the four words that come out |
 * | 1 | place, such as the index of the token |
 * | 2 | the sample's low 32 bits |
 * | 3 | the sample's high 31 bits; the top bit is 0 |
 *
 * A kernel may lay out a counter in another way under the key of the same
 * stream when it sets the top bit of word 3.
 *
 * A stream is stateful; its state is `seed`, `purpose`, `rank`, `key` and
 * `position`. All but the position are settings: the state of another stream
 * is refused.
 *
 * ```c
 * g_autoptr (SngRngStream) rng = sng_rng_stream_new (42, "masking", 0);
 * guint64 first = sng_rng_stream_advance (rng, n_samples);
 *
 * for (guint i = 0; i < n_samples; i++)
 *   if (sng_rng_stream_uniform (rng, first + i, token, 0) < 0.15)
 *     ...
 * ```
 *
 * Since: 1.0
 */

struct _SngRngStream
{
  GObject parent_instance;

  guint64 seed;
  char *purpose;
  guint rank;

  guint64 key;
  guint64 position;
};

static void sng_rng_stream_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngRngStream,
                               sng_rng_stream,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_rng_stream_stateful_init))

enum
{
  PROP_0,
  PROP_SEED,
  PROP_PURPOSE,
  PROP_RANK,
  PROP_POSITION,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static guint64
compute_key (guint64 seed, const char *purpose, guint rank)
{
  g_autoptr (GByteArray) message = g_byte_array_new ();
  guint64 seed_le = GUINT64_TO_LE (seed);
  guint32 rank_le = GUINT32_TO_LE (rank);

  g_byte_array_append (message, (const guint8 *) &seed_le, sizeof seed_le);
  g_byte_array_append (message, (const guint8 *) &rank_le, sizeof rank_le);
  g_byte_array_append (message, (const guint8 *) purpose, strlen (purpose));

  return XXH3_64bits (message->data, message->len);
}

static SngStateDict *
sng_rng_stream_get_state (SngStateful *stateful, GError **error)
{
  SngRngStream *self = SNG_RNG_STREAM (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "seed", g_variant_new_uint64 (self->seed));
  sng_state_dict_set_value (state, "purpose", g_variant_new_string (self->purpose));
  sng_state_dict_set_value (state, "rank", g_variant_new_uint32 (self->rank));
  sng_state_dict_set_value (state, "key", g_variant_new_uint64 (self->key));
  sng_state_dict_set_value (state, "position", g_variant_new_uint64 (self->position));

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngRngStream *self, SngStateDict *state, guint64 *position, GError **error)
{
  const char *const varying[] = { "position", NULL };
  g_autoptr (SngStateDict) own = sng_rng_stream_get_state (SNG_STATEFUL (self), NULL);
  g_autofree char *place = g_strdup_printf ("[rng][restore] \"%s\" of rank %u:", self->purpose, self->rank);

  if (!sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "position", position, error))
    return FALSE;

  if (*position > G_MAXINT64)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "%s position: the checkpoint has %" G_GUINT64_FORMAT ", the largest one is 2^63 - 1",
                   place, *position);
      return FALSE;
    }

  return TRUE;
}

static gboolean
sng_rng_stream_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  guint64 position;

  return read_state (SNG_RNG_STREAM (stateful), state, &position, error);
}

static gboolean
sng_rng_stream_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngRngStream *self = SNG_RNG_STREAM (stateful);
  guint64 position;

  if (!read_state (self, state, &position, error))
    return FALSE;

  sng_rng_stream_set_position (self, position);

  return TRUE;
}

static void
sng_rng_stream_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_rng_stream_get_state;
  iface->check_state = sng_rng_stream_check_state;
  iface->set_state = sng_rng_stream_set_state;
}

static void
sng_rng_stream_constructed (GObject *object)
{
  SngRngStream *self = SNG_RNG_STREAM (object);

  G_OBJECT_CLASS (sng_rng_stream_parent_class)->constructed (object);

  if (self->purpose == NULL)
    self->purpose = g_strdup ("");

  self->key = compute_key (self->seed, self->purpose, self->rank);
}

static void
sng_rng_stream_finalize (GObject *object)
{
  SngRngStream *self = SNG_RNG_STREAM (object);

  g_clear_pointer (&self->purpose, g_free);

  G_OBJECT_CLASS (sng_rng_stream_parent_class)->finalize (object);
}

static void
sng_rng_stream_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngRngStream *self = SNG_RNG_STREAM (object);

  switch (prop_id)
    {
    case PROP_SEED:
      g_value_set_uint64 (value, self->seed);
      break;

    case PROP_PURPOSE:
      g_value_set_string (value, self->purpose);
      break;

    case PROP_RANK:
      g_value_set_uint (value, self->rank);
      break;

    case PROP_POSITION:
      g_value_set_uint64 (value, self->position);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_rng_stream_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngRngStream *self = SNG_RNG_STREAM (object);

  switch (prop_id)
    {
    case PROP_SEED:
      self->seed = g_value_get_uint64 (value);
      break;

    case PROP_PURPOSE:
      self->purpose = g_value_dup_string (value);
      break;

    case PROP_RANK:
      self->rank = g_value_get_uint (value);
      break;

    case PROP_POSITION:
      sng_rng_stream_set_position (self, g_value_get_uint64 (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_rng_stream_class_init (SngRngStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = sng_rng_stream_constructed;
  object_class->finalize = sng_rng_stream_finalize;
  object_class->get_property = sng_rng_stream_get_property;
  object_class->set_property = sng_rng_stream_set_property;

  /**
   * SngRngStream:seed:
   *
   * The seed of the training.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] =
      g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngRngStream:purpose:
   *
   * What the numbers are for, such as "masking" or "dropout".
   *
   * Since: 1.0
   */
  properties[PROP_PURPOSE] = g_param_spec_string (
      "purpose", NULL, NULL, "", G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngRngStream:rank:
   *
   * The process that draws; 0 for a training in one process.
   *
   * Since: 1.0
   */
  properties[PROP_RANK] =
      g_param_spec_uint ("rank", NULL, NULL, 0, G_MAXUINT, 0,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * SngRngStream:position: (getter get_position) (setter set_position)
   *
   * How many samples the stream has served.
   *
   * Since: 1.0
   */
  properties[PROP_POSITION] =
      g_param_spec_uint64 ("position", NULL, NULL, 0, G_MAXINT64, 0,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_rng_stream_init (SngRngStream *self)
{
}

/**
 * sng_rng_stream_new:
 * @seed: the seed of the training
 * @purpose: what the numbers are for, such as "masking"
 * @rank: the process that draws; 0 for a training in one process
 *
 * Creates a stream at position 0. Streams of another seed, purpose or rank are
 * unrelated.
 *
 * Returns: (transfer full): a new stream
 *
 * Since: 1.0
 */
SngRngStream *
sng_rng_stream_new (guint64 seed, const char *purpose, guint rank)
{
  g_return_val_if_fail (purpose != NULL, NULL);

  return g_object_new (SNG_TYPE_RNG_STREAM, "seed", seed, "purpose", purpose, "rank", rank, NULL);
}

/**
 * sng_rng_stream_get_key:
 * @self: a stream
 *
 * Gets the key of the counter-based generator, for kernels that draw by
 * themselves.
 *
 * Returns: the key
 *
 * Since: 1.0
 */
guint64
sng_rng_stream_get_key (SngRngStream *self)
{
  g_return_val_if_fail (SNG_IS_RNG_STREAM (self), 0);

  return self->key;
}

/**
 * sng_rng_stream_get_position: (get-property position)
 * @self: a stream
 *
 * Gets how many samples the stream has served, which is the number of the next
 * one.
 *
 * Returns: the position
 *
 * Since: 1.0
 */
guint64
sng_rng_stream_get_position (SngRngStream *self)
{
  g_return_val_if_fail (SNG_IS_RNG_STREAM (self), 0);

  return self->position;
}

/**
 * sng_rng_stream_set_position: (set-property position)
 * @self: a stream
 * @position: the number of the next sample, below 2^63
 *
 * Moves the stream.
 *
 * Since: 1.0
 */
void
sng_rng_stream_set_position (SngRngStream *self, guint64 position)
{
  g_return_if_fail (SNG_IS_RNG_STREAM (self));
  g_return_if_fail (position <= G_MAXINT64);

  if (self->position == position)
    return;

  self->position = position;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POSITION]);
}

/**
 * sng_rng_stream_advance:
 * @self: a stream
 * @n_samples: how many samples are served
 *
 * Takes the next samples' numbers: moves the stream behind them.
 *
 * Returns: the number of the first one, which is the position before the call
 *
 * Since: 1.0
 */
guint64
sng_rng_stream_advance (SngRngStream *self, guint64 n_samples)
{
  guint64 first;

  g_return_val_if_fail (SNG_IS_RNG_STREAM (self), 0);

  first = self->position;
  sng_rng_stream_set_position (self, first + n_samples);

  return first;
}

/**
 * sng_rng_stream_uniform:
 * @self: a stream
 * @sample: the number of the sample, below 2^63
 * @place: the place within the sample, such as the index of the token
 * @lane: which of the numbers of that place
 *
 * Draws a number. The same arguments always yield the same number; the
 * position of the stream plays no part.
 *
 * Returns: a multiple of 2^-24 in [0, 1)
 *
 * Since: 1.0
 */
double
sng_rng_stream_uniform (SngRngStream *self, guint64 sample, guint32 place, guint32 lane)
{
  guint32 words[4];

  g_return_val_if_fail (SNG_IS_RNG_STREAM (self), 0.0);
  g_return_val_if_fail (sample <= G_MAXINT64, 0.0);

  sng_philox4x32 (self->key,
                  (const guint32[4]){ lane / 4, place, (guint32) sample, (guint32) (sample >> 32) }, words);

  return sng_philox_uniform (words[lane % 4]);
}
