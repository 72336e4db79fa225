/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "callbacks/sng-accumulation-callback-private.h"

#include <string.h>

#include "state/sng-state-dict-private.h"
#include "tensor/sng-tensor-host-private.h"

struct _SngAccumulationCallback
{
  SngCallback parent_instance;
};

G_DEFINE_FINAL_TYPE (SngAccumulationCallback, sng_accumulation_callback, SNG_TYPE_CALLBACK)

/* Where the entries of one moment belong. */
typedef struct
{
  SngCallback *callback;
  SngTrainer *trainer;
  guint64 step;
  gint64 micro_batch;
} Moment;

static gboolean
record_value (const Moment *moment, const char *path, GVariant *value, GError **error)
{
  return sng_callback_record_value (moment->callback, SNG_STAGE_TRAIN, moment->step, moment->micro_batch,
                                    path, value, error);
}

/* ---- Flat tensors: one of all parameters, so that a moment is a file and not hundreds ---- */

static double
get_epsilon (SngDtype dtype)
{
  switch (dtype)
    {
    case SNG_DTYPE_F64:
      return 0x1p-52;
    case SNG_DTYPE_BF16:
      return 0x1p-7;
    case SNG_DTYPE_F16:
      return 0x1p-10;
    default:
      return 0x1p-23;
    }
}

/* Puts an element after the other; f64 holds those of every type that gradients have. */
static gboolean
record_flat (const Moment *moment, const char *path, GPtrArray *tensors, GError **error)
{
  gint64 n = 0;
  g_autoptr (SngTensor) flat = NULL;
  double *numbers;

  for (guint i = 0; i < tensors->len; i++)
    n += sng_tensor_get_n_elements (tensors->pdata[i]);

  flat = sng_tensor_new (SNG_DTYPE_F64, &n, 1, NULL, error);
  if (flat == NULL)
    return FALSE;

  numbers = sng_tensor_get_data (flat);
  for (guint i = 0; i < tensors->len; i++)
    {
      g_autoptr (SngTensor) tensor = sng_tensor_ref_host (tensors->pdata[i], error);

      if (tensor == NULL)
        return FALSE;
      for (gint64 j = 0; j < sng_tensor_get_n_elements (tensor); j++)
        *numbers++ = sng_tensor_get_value (tensor, j);
    }

  return sng_callback_record_tensor (moment->callback, SNG_STAGE_TRAIN, moment->step, moment->micro_batch,
                                     path, flat, error);
}

/* Those that have a gradient, in their order: GPtrArray of SngParameter. */
static GPtrArray *
list_parameters (SngTrainer *trainer, GError **error)
{
  g_autoptr (GListModel) parameters = sng_model_get_parameters (sng_trainer_get_model (trainer), error);
  g_autoptr (GPtrArray) trained = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; parameters != NULL && i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (sng_parameter_get_gradient (parameter) != NULL)
        g_ptr_array_add (trained, g_steal_pointer (&parameter));
    }

  return parameters != NULL ? g_steal_pointer (&trained) : NULL;
}

static gboolean
record_tensors (const Moment *moment,
                const char *path,
                SngTensor *(*get_tensor) (SngParameter *),
                GError **error)
{
  g_autoptr (GPtrArray) parameters = list_parameters (moment->trainer, error);
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();

  for (guint i = 0; parameters != NULL && i < parameters->len; i++)
    g_ptr_array_add (tensors, get_tensor (parameters->pdata[i]));

  return parameters != NULL && record_flat (moment, path, tensors, error);
}

static gboolean
record_parameters (const Moment *moment, GError **error)
{
  g_autoptr (GPtrArray) parameters = list_parameters (moment->trainer, error);
  GVariantBuilder builder;

  if (parameters == NULL)
    return FALSE;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sxd)"));
  for (guint i = 0; i < parameters->len; i++)
    {
      SngTensor *value = sng_parameter_get_value (parameters->pdata[i]);

      g_variant_builder_add (&builder, "(sxd)", sng_parameter_get_name (parameters->pdata[i]),
                             sng_tensor_get_n_elements (value), get_epsilon (sng_tensor_get_dtype (value)));
    }

  return record_value (moment, "parameters", g_variant_builder_end (&builder), error);
}

/* ---- States ---- */

/* The tensor of a parameter in the state of an optimizer, `NAME.kind` or `kind.NAME`. */
static SngTensor *
lookup_part (SngStateDict *state, SngParameter *parameter, const char *kind)
{
  g_autofree char *first = g_strconcat (sng_parameter_get_name (parameter), ".", kind, NULL);
  g_autofree char *last = g_strconcat (kind, ".", sng_parameter_get_name (parameter), NULL);
  SngTensor *tensor = sng_state_dict_lookup_tensor (state, first);

  if (tensor == NULL)
    tensor = sng_state_dict_lookup_tensor (state, last);

  return tensor != NULL && sng_tensor_same_layout (tensor, sng_parameter_get_value (parameter)) ? tensor
                                                                                                : NULL;
}

/* What comes before or after the name of a parameter in that of a tensor; NULL: something else. */
static char *
dup_kind (const char *name, SngParameter *parameter)
{
  const char *own = sng_parameter_get_name (parameter);
  gsize length = strlen (own), whole = strlen (name);

  if (whole > length + 1 && g_str_has_prefix (name, own) && name[length] == '.')
    return g_strdup (name + length + 1);
  if (whole > length + 1 && g_str_has_suffix (name, own) && name[whole - length - 1] == '.')
    return g_strndup (name, whole - length - 1);

  return NULL;
}

/* The kinds of tensors that the optimizer keeps for every parameter, such as moments. */
static GPtrArray *
list_kinds (SngStateDict *state, GPtrArray *parameters)
{
  GPtrArray *kinds = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; parameters->len > 0 && i < sng_state_dict_get_n_items (state); i++)
    {
      char *kind = dup_kind (sng_state_dict_get_name (state, i), parameters->pdata[0]);
      gboolean has_all = kind != NULL;

      for (guint j = 0; has_all && j < parameters->len; j++)
        has_all = lookup_part (state, parameters->pdata[j], kind) != NULL;

      if (has_all)
        g_ptr_array_add (kinds, kind);
      else
        g_free (kind);
    }

  return kinds;
}

static gboolean
record_optimizer (const Moment *moment, GError **error)
{
  SngOptimizer *optimizer = sng_trainer_get_optimizer (moment->trainer);
  g_autoptr (SngStateDict) state = SNG_IS_STATEFUL (optimizer)
                                       ? sng_stateful_get_state (SNG_STATEFUL (optimizer), error)
                                       : sng_state_dict_new ();
  g_autoptr (GPtrArray) parameters = state != NULL ? list_parameters (moment->trainer, error) : NULL;
  g_autoptr (GPtrArray) kinds = parameters != NULL ? list_kinds (state, parameters) : NULL;

  for (guint i = 0; kinds != NULL && i < sng_state_dict_get_n_items (state); i++)
    {
      const char *name = sng_state_dict_get_name (state, i);
      GVariant *value = sng_state_dict_lookup_value (state, name);
      g_autofree char *path = g_strconcat ("optimizer/", name, NULL);

      if (value != NULL && !record_value (moment, path, value, error))
        return FALSE;
    }

  for (guint i = 0; kinds != NULL && i < kinds->len; i++)
    {
      g_autofree char *path = g_strconcat ("optimizer/", kinds->pdata[i], NULL);
      g_autoptr (GPtrArray) tensors = g_ptr_array_new ();

      for (guint j = 0; j < parameters->len; j++)
        g_ptr_array_add (tensors, lookup_part (state, parameters->pdata[j], kinds->pdata[i]));
      if (!record_flat (moment, path, tensors, error))
        return FALSE;
    }

  return kinds != NULL;
}

static gboolean
record_schedule (const Moment *moment, GError **error)
{
  SngLrScheduler *scheduler = sng_trainer_get_lr_scheduler (moment->trainer);
  g_autoptr (SngStateDict) state = NULL;

  if (!SNG_IS_STATEFUL (scheduler))
    return TRUE;

  state = sng_stateful_get_state (SNG_STATEFUL (scheduler), error);

  return state != NULL
         && sng_callback_record_state (moment->callback, SNG_STAGE_TRAIN, moment->step, moment->micro_batch,
                                       "schedule", state, error);
}

static gboolean
add_state (GChecksum *checksum, SngStateDict *state, GError **error)
{
  g_autofree SngFingerprint *fingerprints = NULL;
  gsize n_tensors = 0;

  if (!sng_state_dict_fingerprint_tensors (state, &fingerprints, NULL, error))
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (state); i++)
    {
      GVariant *value = sng_state_dict_lookup_value (state, sng_state_dict_get_name (state, i));
      g_autofree char *text = value != NULL ? g_variant_print (value, TRUE)
                                            : sng_fingerprint_to_string (&fingerprints[n_tensors++]);

      g_checksum_update (checksum, (const guchar *) text, -1);
    }
  return TRUE;
}

/* What must stay as it is from the first micro-batch of a step to its last. */
static gboolean
record_fingerprint (const Moment *moment, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gpointer parts[] = { sng_trainer_get_optimizer (moment->trainer), sng_trainer_get_model (moment->trainer) };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      g_autoptr (SngStateDict) state = NULL;

      if (!SNG_IS_STATEFUL (parts[i]))
        continue;

      state = sng_stateful_get_state (parts[i], error);
      if (state == NULL || !add_state (checksum, state, error))
        return FALSE;
    }

  return record_value (moment, "state", g_variant_new_string (g_checksum_get_string (checksum)), error);
}

static gboolean
record_rate (const Moment *moment, GError **error)
{
  double rate = sng_optimizer_get_learning_rate (sng_trainer_get_optimizer (moment->trainer));

  return record_value (moment, "learning-rate", g_variant_new_double (rate), error);
}

static gboolean
sng_accumulation_callback_fit_start (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  const Moment moment = { callback, trainer, sng_trainer_get_global_step (trainer), -1 };

  sng_recorder_set_capture (sng_callback_get_recorder (callback), sng_callback_get_metric (callback), TRUE);

  return record_parameters (&moment, error)
         && record_tensors (&moment, "weight", sng_parameter_get_value, error);
}

static gboolean
sng_accumulation_callback_micro_batch_end (SngCallback *callback,
                                           SngTrainer *trainer,
                                           SngStage stage,
                                           guint micro_batch,
                                           SngStateDict *batch,
                                           SngStateDict *outputs,
                                           GError **error)
{
  const Moment moment = { callback, trainer, sng_trainer_get_global_step (trainer) + 1, micro_batch };
  gint64 n_targets;
  double loss;

  if (stage != SNG_STAGE_TRAIN)
    return TRUE;

  if (sng_state_dict_get_int64 (batch, "n_targets", &n_targets, NULL)
      && !record_value (&moment, "n_targets", g_variant_new_int64 (n_targets), error))
    return FALSE;

  return record_rate (&moment, error) && sng_state_dict_get_double (outputs, "loss", &loss, error)
         && record_value (&moment, "loss", g_variant_new_double (loss), error)
         && record_fingerprint (&moment, error)
         && record_tensors (&moment, "gradient", sng_parameter_get_gradient, error);
}

static gboolean
sng_accumulation_callback_step_end (SngCallback *callback, SngTrainer *trainer, GError **error)
{
  const Moment moment = { callback, trainer, sng_trainer_get_global_step (trainer), -1 };

  return record_value (&moment, "loss", g_variant_new_double (sng_trainer_get_loss (trainer)), error)
         && record_value (&moment, "gradient-norm",
                          g_variant_new_double (sng_trainer_get_gradient_norm (trainer)), error)
         && record_tensors (&moment, "gradient", sng_parameter_get_gradient, error)
         && record_rate (&moment, error) && record_schedule (&moment, error)
         && record_optimizer (&moment, error)
         && record_tensors (&moment, "weight", sng_parameter_get_value, error);
}

static void
sng_accumulation_callback_class_init (SngAccumulationCallbackClass *klass)
{
  SngCallbackClass *callback_class = SNG_CALLBACK_CLASS (klass);

  callback_class->fit_start = sng_accumulation_callback_fit_start;
  callback_class->micro_batch_end = sng_accumulation_callback_micro_batch_end;
  callback_class->step_end = sng_accumulation_callback_step_end;
}

static void
sng_accumulation_callback_init (SngAccumulationCallback *self)
{
}

SngCallback *
sng_accumulation_callback_new (void)
{
  return g_object_new (SNG_TYPE_ACCUMULATION_CALLBACK, NULL);
}
