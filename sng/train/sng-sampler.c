/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "train/sng-sampler.h"

#include "sng-error.h"
#include "tensor/sng-philox-private.h"
#include "train/sng-rng-stream.h"
#include "train/sng-settings-private.h"

/**
 * SngSampler:
 *
 * The order in which a training sees its samples.
 *
 * Each epoch is a permutation of all samples that depends on nothing but the
 * seed and the number of the epoch, and a position within it. Both are state,
 * so a resumed training goes on at exactly the next sample, in the middle of
 * any epoch as well as between two.
 *
 * The permutation is a Fisher-Yates shuffle (Durstenfeld: *Algorithm 235*,
 * CACM 7, 1964), driven by Philox under the key of a
 * [class@Sng.RngStream] for the purpose "sampler", with the counter (block's low
 * word, block's high word, epoch's low word, epoch's high word). An index below
 * `m` is the high half of the 128-bit product of `m` and 64 random bits; that
 * favours no index by more than `m / 2^64`.
 *
 * The state is `epoch`, `position`, `seed`, `n_samples` and `shuffle`, the last
 * three of which are settings. The position is always below the number of
 * samples: the end of an epoch is the beginning of the next one.
 *
 * Since: 1.0
 */

struct _SngSampler
{
  GObject parent_instance;

  guint64 n_samples;
  guint64 seed;
  gboolean shuffle;
  guint64 key;

  guint64 epoch;
  guint64 position;

  gint64 *order; /* of ordered_epoch; NULL: not made yet */
  guint64 ordered_epoch;
};

static void sng_sampler_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngSampler,
                               sng_sampler,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_sampler_stateful_init))

enum
{
  PROP_0,
  PROP_N_SAMPLES,
  PROP_SEED,
  PROP_SHUFFLE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static SngStateDict *
sng_sampler_get_state (SngStateful *stateful, GError **error)
{
  SngSampler *self = SNG_SAMPLER (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  sng_state_dict_set_value (state, "epoch", g_variant_new_uint64 (self->epoch));
  sng_state_dict_set_value (state, "position", g_variant_new_uint64 (self->position));
  sng_state_dict_set_value (state, "seed", g_variant_new_uint64 (self->seed));
  sng_state_dict_set_value (state, "n_samples", g_variant_new_uint64 (self->n_samples));
  sng_state_dict_set_value (state, "shuffle", g_variant_new_boolean (self->shuffle));

  return g_steal_pointer (&state);
}

static gboolean
read_state (SngSampler *self, SngStateDict *state, guint64 *epoch, guint64 *position, GError **error)
{
  const char *const varying[] = { "epoch", "position", NULL };
  const char *place = "[sampler][restore]";
  g_autoptr (SngStateDict) own = sng_sampler_get_state (SNG_STATEFUL (self), NULL);

  if (!sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "epoch", epoch, error)
      || !sng_settings_get_uint64 (state, place, "position", position, error))
    return FALSE;

  if (*position >= MAX (self->n_samples, 1))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                   "%s position: the checkpoint has %" G_GUINT64_FORMAT
                   ", this run has an epoch of %" G_GUINT64_FORMAT " samples",
                   place, *position, self->n_samples);
      return FALSE;
    }

  return TRUE;
}

static gboolean
sng_sampler_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  guint64 epoch, position;

  return read_state (SNG_SAMPLER (stateful), state, &epoch, &position, error);
}

static gboolean
sng_sampler_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngSampler *self = SNG_SAMPLER (stateful);
  guint64 epoch, position;

  if (!read_state (self, state, &epoch, &position, error))
    return FALSE;

  self->epoch = epoch;
  self->position = position;

  return TRUE;
}

static void
sng_sampler_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_sampler_get_state;
  iface->check_state = sng_sampler_check_state;
  iface->set_state = sng_sampler_set_state;
}

static void
sng_sampler_constructed (GObject *object)
{
  SngSampler *self = SNG_SAMPLER (object);
  g_autoptr (SngRngStream) stream = sng_rng_stream_new (self->seed, "sampler", 0);

  G_OBJECT_CLASS (sng_sampler_parent_class)->constructed (object);

  self->key = sng_rng_stream_get_key (stream);
}

static void
sng_sampler_finalize (GObject *object)
{
  SngSampler *self = SNG_SAMPLER (object);

  g_clear_pointer (&self->order, g_free);

  G_OBJECT_CLASS (sng_sampler_parent_class)->finalize (object);
}

static void
sng_sampler_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SngSampler *self = SNG_SAMPLER (object);

  switch (prop_id)
    {
    case PROP_N_SAMPLES:
      g_value_set_uint64 (value, self->n_samples);
      break;

    case PROP_SEED:
      g_value_set_uint64 (value, self->seed);
      break;

    case PROP_SHUFFLE:
      g_value_set_boolean (value, self->shuffle);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_sampler_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SngSampler *self = SNG_SAMPLER (object);

  switch (prop_id)
    {
    case PROP_N_SAMPLES:
      self->n_samples = g_value_get_uint64 (value);
      break;

    case PROP_SEED:
      self->seed = g_value_get_uint64 (value);
      break;

    case PROP_SHUFFLE:
      self->shuffle = g_value_get_boolean (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sng_sampler_class_init (SngSamplerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = sng_sampler_constructed;
  object_class->finalize = sng_sampler_finalize;
  object_class->get_property = sng_sampler_get_property;
  object_class->set_property = sng_sampler_set_property;

  /**
   * SngSampler:n-samples:
   *
   * How many samples an epoch has.
   *
   * Since: 1.0
   */
  properties[PROP_N_SAMPLES] = g_param_spec_uint64 ("n-samples", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * SngSampler:seed:
   *
   * The seed of the permutations.
   *
   * Since: 1.0
   */
  properties[PROP_SEED] = g_param_spec_uint64 ("seed", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * SngSampler:shuffle:
   *
   * Whether to permute; otherwise each epoch goes from the first sample to the
   * last.
   *
   * Since: 1.0
   */
  properties[PROP_SHUFFLE] = g_param_spec_boolean ("shuffle", NULL, NULL, TRUE, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_sampler_init (SngSampler *self)
{
}

/* 64 random bits for the number @index of the current epoch. */
static guint64
draw (SngSampler *self, guint64 index)
{
  guint64 block = index / 2;
  const guint32 counter[4] = { (guint32) block, (guint32) (block >> 32), (guint32) self->epoch,
                               (guint32) (self->epoch >> 32) };
  guint32 words[4];
  guint first = index % 2 * 2;

  sng_philox4x32 (self->key, counter, words);

  return (guint64) words[first] << 32 | words[first + 1];
}

/* A drawn number below @bound: multiply-shift, see the description of the class. */
static guint64
draw_below (SngSampler *self, guint64 index, guint64 bound)
{
  return (guint64) (((unsigned __int128) draw (self, index) * bound) >> 64);
}

static void
ensure_order (SngSampler *self)
{
  if (self->order != NULL && (!self->shuffle || self->ordered_epoch == self->epoch))
    return;

  if (self->order == NULL)
    self->order = g_new (gint64, self->n_samples);

  for (guint64 i = 0; i < self->n_samples; i++)
    self->order[i] = (gint64) i;

  if (self->shuffle)
    for (guint64 i = self->n_samples - 1; i > 0; i--)
      {
        guint64 j = draw_below (self, i, i + 1);
        gint64 swapped = self->order[i];

        self->order[i] = self->order[j];
        self->order[j] = swapped;
      }

  self->ordered_epoch = self->epoch;
}

/**
 * sng_sampler_new:
 * @n_samples: how many samples an epoch has
 * @seed: the seed of the permutations
 * @shuffle: whether to permute; otherwise each epoch goes from the first sample
 *   to the last
 *
 * Creates a sampler at the beginning of epoch 0.
 *
 * Returns: (transfer full): a new sampler
 *
 * Since: 1.0
 */
SngSampler *
sng_sampler_new (guint64 n_samples, guint64 seed, gboolean shuffle)
{
  g_return_val_if_fail (n_samples <= G_MAXINT64, NULL);

  return g_object_new (SNG_TYPE_SAMPLER, "n-samples", n_samples, "seed", seed, "shuffle", shuffle, NULL);
}

/**
 * sng_sampler_next:
 * @self: a sampler
 * @n: how many samples to take, at least one
 * @error: return location for a #GError
 *
 * Takes the next samples. They are all of one epoch: where it has fewer than
 * @n left, those are all.
 *
 * Returns: (transfer full) (nullable): an i64 tensor of 1 to @n indices, or
 *   %NULL with @error set
 *
 * Since: 1.0
 */
SngTensor *
sng_sampler_next (SngSampler *self, guint n, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (SngTensor) ids = NULL;
  gint64 count;

  g_return_val_if_fail (SNG_IS_SAMPLER (self), NULL);
  g_return_val_if_fail (n > 0, NULL);

  if (self->n_samples == 0)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[sampler] n-samples is 0: nothing to take");
      return NULL;
    }

  ensure_order (self);

  count = (gint64) MIN (n, self->n_samples - self->position);
  bytes = g_bytes_new (self->order + self->position, count * sizeof (gint64));
  ids = sng_tensor_new_from_bytes (SNG_DTYPE_I64, &count, 1, bytes, error);

  if (ids == NULL)
    return NULL;

  self->position += count;

  if (self->position == self->n_samples)
    {
      self->epoch++;
      self->position = 0;
    }

  return g_steal_pointer (&ids);
}

/**
 * sng_sampler_get_epoch:
 * @self: a sampler
 *
 * Gets the epoch of the next sample.
 *
 * Returns: the number of the epoch, from 0
 *
 * Since: 1.0
 */
guint64
sng_sampler_get_epoch (SngSampler *self)
{
  g_return_val_if_fail (SNG_IS_SAMPLER (self), 0);

  return self->epoch;
}

/**
 * sng_sampler_get_position:
 * @self: a sampler
 *
 * Gets the position of the next sample within its epoch.
 *
 * Returns: the position, below the number of samples
 *
 * Since: 1.0
 */
guint64
sng_sampler_get_position (SngSampler *self)
{
  g_return_val_if_fail (SNG_IS_SAMPLER (self), 0);

  return self->position;
}
