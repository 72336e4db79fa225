/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-transformer-private.h"

#include <math.h>
#include <string.h>

#include "sng-error.h"

/* The names that the files of others have for the parameters. */

#define TOLERANCE 1e-6 /* relative: a power in f32 ends in other bits elsewhere */

/* What ends like this has that name here, or is left out. */
typedef struct
{
  const char *ending;
  const char *own; /* or NULL */
} Translation;

static const Translation esm2[] = {
  { "rotary_embeddings.inv_freq", SNG_ROTARY_FREQUENCIES }, /* one for all layers, or the same in each */
  { "lm_head.decoder.weight", "esm.embeddings.word_embeddings.weight" },
  { "lm_head.decoder.bias", "lm_head.bias" },
  { "embeddings.position_ids", NULL },
  { "embeddings.position_embeddings.weight", NULL }, /* a model with rotary positions does not look at them */
  { NULL, NULL },
};

static const Translation gpt[] = {
  { "lm_head.weight", "transformer.wte.weight" },
  { ".attn.bias", NULL }, /* the causal mask */
  { ".attn.masked_bias", NULL },
  { NULL, NULL },
};

/* What a tensor might be here; NULL: it is left out. */
static char *
translate (SngTransformer *self, const char *name)
{
  gboolean is_esm2 = self->settings.architecture == SNG_ARCHITECTURE_ESM2;
  const char *prefix = is_esm2 ? "esm." : "transformer.";
  g_autofree char *own = NULL;

  for (const Translation *t = is_esm2 ? esm2 : gpt; t->ending != NULL; t++)
    if (g_str_has_suffix (name, t->ending))
      return g_strdup (t->own);

  /* The file of a model without a head lacks it. */
  own = g_str_has_prefix (name, prefix) || g_str_has_prefix (name, "lm_head.")
            ? g_strdup (name)
            : g_strconcat (prefix, name, NULL);

  if (g_str_has_suffix (own, ".gamma"))
    return g_strdup_printf ("%.*s.weight", (int) (strlen (own) - strlen (".gamma")), own);
  if (g_str_has_suffix (own, ".beta"))
    return g_strdup_printf ("%.*s.bias", (int) (strlen (own) - strlen (".beta")), own);

  return g_steal_pointer (&own);
}

/* A file of another base would mean another model, under the same names and shapes. */
static gboolean
check_frequencies (SngTransformer *self, SngStateDict *state, GError **error)
{
  SngTensor *frequencies = sng_state_dict_lookup_tensor (state, SNG_ROTARY_FREQUENCIES);

  if (frequencies == NULL || sng_tensor_get_n_elements (frequencies) != self->settings.head_size / 2)
    return TRUE; /* which is for the check of the layout to say */

  for (gint64 i = 0; i < sng_tensor_get_n_elements (frequencies); i++)
    {
      double value = sng_tensor_get_value (frequencies, i);
      double expected = sng_transformer_rotary_frequency (self, (gsize) i);

      if (!(fabs (value - expected) <= TOLERANCE * expected))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                       "[transformer][import] '" SNG_ROTARY_FREQUENCIES "' is %.9g at %" G_GINT64_FORMAT
                       ", expected is %.9g: the rotary positions are those of another base than %g",
                       value, i, expected, SNG_ROTARY_BASE);
          return FALSE;
        }
    }

  return TRUE;
}

SngStateDict *
sng_transformer_import_weights (SngModel *model, SngStateDict *tensors, GError **error)
{
  SngTransformer *self = SNG_TRANSFORMER (model);
  g_autoptr (SngStateDict) expected = sng_stateful_get_state (SNG_STATEFUL (model), error);
  g_autoptr (SngStateDict) state = NULL;

  if (expected == NULL)
    return NULL;

  state = sng_state_dict_new ();
  for (guint i = 0; i < sng_state_dict_get_n_items (tensors); i++)
    {
      const char *name = sng_state_dict_get_name (tensors, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (tensors, name);
      g_autofree char *translated = translate (self, name);
      const char *own;
      SngTensor *other;

      if (translated == NULL)
        continue;

      /* What the model does not have is refused under the name that the file has for it. */
      own = sng_state_dict_contains (expected, translated) ? translated : name;
      other = sng_state_dict_lookup_tensor (state, own);
      if (other != NULL && !sng_tensor_equal (tensor, other))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_MISMATCH,
                       "[transformer][import] '%s' is not equal to another tensor of the file, but both "
                       "are '%s' here",
                       name, own);
          return NULL;
        }
      sng_state_dict_set_tensor (state, own, tensor);
    }

  return check_frequencies (self, state, error) ? g_steal_pointer (&state) : NULL;
}
