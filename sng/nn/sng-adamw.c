/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-adamw.h"

#include <float.h>

#include "sng-error.h"
#include "tensor/sng-device-math-private.h"
#include "train/sng-settings-private.h"

/**
 * SngAdamw:
 *
 * Adam with decoupled weight decay.
 *
 * Loshchilov, Hutter: *Decoupled weight decay regularization* (ICLR 2019), with
 * the bias correction of Kingma, Ba: *Adam* (ICLR 2015). With `g` the gradient
 * and `t` the number of the step, from 1:
 *
 * ```
 * m = beta1 m + (1 - beta1) g
 * v = beta2 v + (1 - beta2) g^2
 * parameter = parameter (1 - rate decay) - rate / (1 - beta1^t) m / (sqrt (v / (1 - beta2^t)) + epsilon)
 * ```
 *
 * Parameters are in groups, each with a weight decay of its own and a factor on
 * the learning rate. A parameter belongs to the first group whose pattern matches
 * its name, otherwise to the group "default".
 *
 * ```c
 * g_autoptr (SngOptimizer) optimizer = sng_adamw_new (parameters, 1e-4, 0.01);
 *
 * if (!sng_adamw_add_group (SNG_ADAMW (optimizer), "no-decay", "*.bias", 0.0, 1.0, &error))
 *   return FALSE;
 * ```
 *
 * The parameters are f32 or f64, and so are the moments. A parameter without
 * gradient is left alone.
 *
 * The state is `step` and `learning_rate`, the moments `NAME.exp_avg` and
 * `NAME.exp_avg_sq` of each parameter that has a gradient, and the settings
 * `beta1`, `beta2`, `epsilon` and, for each group, `group.NAME.pattern`,
 * `group.NAME.weight_decay`, `group.NAME.learning_rate_factor` and, but for the
 * default one, `group.NAME.position`, its place in the order. Other settings than one's
 * own are refused.
 *
 * Since: 1.0
 */

typedef struct
{
  char *name;
  char *pattern;
  double weight_decay;
  double learning_rate_factor;
} Group;

/* A parameter with a gradient. */
typedef struct
{
  SngParameter *parameter;
  SngTensor *exp_avg;
  SngTensor *exp_avg_sq;
  const Group *group;
} Slot;

struct _SngAdamw
{
  SngOptimizer parent_instance;

  double beta1;
  double beta2;
  double epsilon;
  double weight_decay;

  GPtrArray *groups; /* the default one last */
  GArray *slots;     /* NULL until the moments are needed; then the groups are settled */
  guint64 step;
};

static void sng_adamw_stateful_init (SngStatefulInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SngAdamw,
                               sng_adamw,
                               SNG_TYPE_OPTIMIZER,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, sng_adamw_stateful_init))

enum
{
  PROP_0,
  PROP_BETA1,
  PROP_BETA2,
  PROP_EPSILON,
  PROP_WEIGHT_DECAY,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static Group *
group_new (const char *name, const char *pattern, double weight_decay, double learning_rate_factor)
{
  Group *group = g_new0 (Group, 1);

  group->name = g_strdup (name);
  group->pattern = g_strdup (pattern);
  group->weight_decay = weight_decay;
  group->learning_rate_factor = learning_rate_factor;

  return group;
}

static void
group_free (gpointer data)
{
  Group *group = data;

  g_free (group->name);
  g_free (group->pattern);
  g_free (group);
}

static void
slot_clear (gpointer data)
{
  Slot *slot = data;

  g_clear_object (&slot->parameter);
  g_clear_object (&slot->exp_avg);
  g_clear_object (&slot->exp_avg_sq);
}

static const Group *
find_group (SngAdamw *self, const char *name)
{
  for (guint i = 0; i < self->groups->len; i++)
    {
      const Group *group = g_ptr_array_index (self->groups, i);

      if (g_pattern_match_simple (group->pattern, name))
        return group;
    }

  g_assert_not_reached ();
}

static SngTensor *
new_moment (SngTensor *value, GError **error)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (value, &n_dims);

  return sng_tensor_new (sng_tensor_get_dtype (value), shape, n_dims, sng_tensor_get_device (value), error);
}

static gboolean
fill_slot (SngAdamw *self, Slot *slot, SngParameter *parameter, GError **error)
{
  SngTensor *value = sng_parameter_get_value (parameter);

  if (sng_device_get_kernels (sng_tensor_get_device (value), sng_tensor_get_dtype (value)) == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[adamw] %s: there is no arithmetic for %s on device \"%s\"",
                   sng_parameter_get_name (parameter), sng_dtype_get_name (sng_tensor_get_dtype (value)),
                   sng_device_get_name (sng_tensor_get_device (value)));
      return FALSE;
    }

  slot->parameter = g_object_ref (parameter);
  slot->group = find_group (self, sng_parameter_get_name (parameter));
  slot->exp_avg = new_moment (value, error);
  slot->exp_avg_sq = slot->exp_avg != NULL ? new_moment (value, error) : NULL;

  return slot->exp_avg_sq != NULL;
}

/* Makes the moments, all zero, when they are needed for the first time. */
static gboolean
ensure_slots (SngAdamw *self, GError **error)
{
  GListModel *parameters = sng_optimizer_get_parameters (SNG_OPTIMIZER (self));
  g_autoptr (GArray) slots = NULL;

  if (self->slots != NULL)
    return TRUE;

  slots = g_array_new (FALSE, TRUE, sizeof (Slot));
  g_array_set_clear_func (slots, slot_clear);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (sng_parameter_get_gradient (parameter) == NULL)
        continue;

      g_array_set_size (slots, slots->len + 1);

      if (!fill_slot (self, &g_array_index (slots, Slot, slots->len - 1), parameter, error))
        return FALSE;
    }

  self->slots = g_steal_pointer (&slots);

  return TRUE;
}

static gboolean
sng_adamw_step (SngOptimizer *optimizer, GError **error)
{
  SngAdamw *self = SNG_ADAMW (optimizer);
  SngAdamwUpdate update = {
    .step = self->step + 1,
    .beta1 = self->beta1,
    .beta2 = self->beta2,
    .epsilon = self->epsilon,
  };

  if (!ensure_slots (self, error))
    return FALSE;

  for (guint i = 0; i < self->slots->len; i++)
    {
      const Slot *slot = &g_array_index (self->slots, Slot, i);
      SngTensor *value = sng_parameter_get_value (slot->parameter);
      SngDevice *device = sng_tensor_get_device (value);

      update.n_elements = (gsize) sng_tensor_get_n_elements (value);
      update.learning_rate = sng_optimizer_get_learning_rate (optimizer) * slot->group->learning_rate_factor;
      update.weight_decay = slot->group->weight_decay;
      update.gradient = sng_tensor_get_data (sng_parameter_get_gradient (slot->parameter));
      update.parameter = sng_tensor_get_data (value);
      update.exp_avg = sng_tensor_get_data (slot->exp_avg);
      update.exp_avg_sq = sng_tensor_get_data (slot->exp_avg_sq);

      sng_device_get_kernels (device, sng_tensor_get_dtype (value))->adamw (device, &update);
    }

  self->step++;

  return TRUE;
}

static void
set_group_value (SngStateDict *state, const Group *group, const char *setting, GVariant *value)
{
  g_autofree char *name = g_strdup_printf ("group.%s.%s", group->name, setting);

  sng_state_dict_set_value (state, name, value);
}

static void
set_moment (SngStateDict *state, const Slot *slot, const char *moment, SngTensor *tensor)
{
  g_autofree char *name = g_strdup_printf ("%s.%s", sng_parameter_get_name (slot->parameter), moment);

  sng_state_dict_set_tensor (state, name, tensor);
}

static SngStateDict *
sng_adamw_get_state (SngStateful *stateful, GError **error)
{
  SngAdamw *self = SNG_ADAMW (stateful);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();

  if (!ensure_slots (self, error))
    return NULL;

  sng_state_dict_set_value (state, "step", g_variant_new_uint64 (self->step));
  sng_state_dict_set_double (state, "learning_rate", sng_optimizer_get_learning_rate (SNG_OPTIMIZER (self)));
  sng_state_dict_set_double (state, "beta1", self->beta1);
  sng_state_dict_set_double (state, "beta2", self->beta2);
  sng_state_dict_set_double (state, "epsilon", self->epsilon);

  for (guint i = 0; i < self->groups->len; i++)
    {
      const Group *group = g_ptr_array_index (self->groups, i);

      /* the default one always comes last */
      if (i + 1 < self->groups->len)
        set_group_value (state, group, "position", g_variant_new_uint32 (i));
      set_group_value (state, group, "pattern", g_variant_new_string (group->pattern));
      set_group_value (state, group, "weight_decay", g_variant_new_double (group->weight_decay));
      set_group_value (state, group, "learning_rate_factor",
                       g_variant_new_double (group->learning_rate_factor));
    }

  for (guint i = 0; i < self->slots->len; i++)
    {
      const Slot *slot = &g_array_index (self->slots, Slot, i);

      set_moment (state, slot, "exp_avg", slot->exp_avg);
      set_moment (state, slot, "exp_avg_sq", slot->exp_avg_sq);
    }

  return g_steal_pointer (&state);
}

/* Returns: one's own state, whose tensors @state fits, or NULL with @error set. */
static SngStateDict *
read_state (SngAdamw *self, SngStateDict *state, guint64 *step, double *learning_rate, GError **error)
{
  const char *const varying[] = { "step", "learning_rate", NULL };
  const char *place = "[adamw][restore]";
  g_autoptr (SngStateDict) own = sng_adamw_get_state (SNG_STATEFUL (self), error);

  if (own == NULL || !sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "step", step, error)
      || !sng_settings_get_learning_rate (state, place, learning_rate, error))
    return NULL;

  return g_steal_pointer (&own);
}

static gboolean
sng_adamw_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = NULL;
  guint64 step;
  double learning_rate;

  own = read_state (SNG_ADAMW (stateful), state, &step, &learning_rate, error);

  return own != NULL;
}

static gboolean
sng_adamw_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  SngAdamw *self = SNG_ADAMW (stateful);
  g_autoptr (SngStateDict) own = NULL;
  guint64 step;
  double learning_rate;

  own = read_state (self, state, &step, &learning_rate, error);

  if (own == NULL)
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (own); i++)
    {
      const char *name = sng_state_dict_get_name (own, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (own, name);

      if (tensor != NULL && !sng_tensor_copy_from (tensor, sng_state_dict_lookup_tensor (state, name), error))
        return FALSE;
    }

  self->step = step;
  sng_optimizer_set_learning_rate (SNG_OPTIMIZER (self), learning_rate);

  return TRUE;
}

static void
sng_adamw_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_adamw_get_state;
  iface->check_state = sng_adamw_check_state;
  iface->set_state = sng_adamw_set_state;
}

static void
sng_adamw_constructed (GObject *object)
{
  SngAdamw *self = SNG_ADAMW (object);

  G_OBJECT_CLASS (sng_adamw_parent_class)->constructed (object);

  g_ptr_array_add (self->groups, group_new ("default", "*", self->weight_decay, 1.0));
}

static void
sng_adamw_finalize (GObject *object)
{
  SngAdamw *self = SNG_ADAMW (object);

  g_clear_pointer (&self->slots, g_array_unref);
  g_clear_pointer (&self->groups, g_ptr_array_unref);

  G_OBJECT_CLASS (sng_adamw_parent_class)->finalize (object);
}

static double *
get_setting (SngAdamw *self, guint prop_id)
{
  switch (prop_id)
    {
    case PROP_BETA1:
      return &self->beta1;

    case PROP_BETA2:
      return &self->beta2;

    case PROP_EPSILON:
      return &self->epsilon;

    case PROP_WEIGHT_DECAY:
      return &self->weight_decay;

    default:
      return NULL;
    }
}

static void
sng_adamw_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  const double *setting = get_setting (SNG_ADAMW (object), prop_id);

  if (setting != NULL)
    g_value_set_double (value, *setting);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sng_adamw_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  double *setting = get_setting (SNG_ADAMW (object), prop_id);

  if (setting != NULL)
    *setting = g_value_get_double (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sng_adamw_class_init (SngAdamwClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SngOptimizerClass *optimizer_class = SNG_OPTIMIZER_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const double below_one = 1.0 - DBL_EPSILON;

  object_class->constructed = sng_adamw_constructed;
  object_class->finalize = sng_adamw_finalize;
  object_class->get_property = sng_adamw_get_property;
  object_class->set_property = sng_adamw_set_property;

  optimizer_class->step = sng_adamw_step;

  /**
   * SngAdamw:beta1:
   *
   * The decay of the first moment, in [0, 1).
   *
   * Since: 1.0
   */
  properties[PROP_BETA1] = g_param_spec_double ("beta1", NULL, NULL, 0.0, below_one, 0.9, flags);

  /**
   * SngAdamw:beta2:
   *
   * The decay of the second moment, in [0, 1).
   *
   * Since: 1.0
   */
  properties[PROP_BETA2] = g_param_spec_double ("beta2", NULL, NULL, 0.0, below_one, 0.999, flags);

  /**
   * SngAdamw:epsilon:
   *
   * What is added to the denominator.
   *
   * Since: 1.0
   */
  properties[PROP_EPSILON] = g_param_spec_double ("epsilon", NULL, NULL, 0.0, G_MAXDOUBLE, 1e-8, flags);

  /**
   * SngAdamw:weight-decay:
   *
   * The weight decay of the group "default".
   *
   * Since: 1.0
   */
  properties[PROP_WEIGHT_DECAY] =
      g_param_spec_double ("weight-decay", NULL, NULL, 0.0, G_MAXDOUBLE, 0.01, flags);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
sng_adamw_init (SngAdamw *self)
{
  self->groups = g_ptr_array_new_with_free_func (group_free);
}

/**
 * sng_adamw_new:
 * @parameters: the parameters, [class@Sng.Parameter] objects with names of their
 *   own; those of [method@Sng.Model.get_parameters]
 * @learning_rate: the learning rate
 * @weight_decay: the weight decay of the group "default"
 *
 * Creates an optimizer with `beta1` 0.9, `beta2` 0.999 and `epsilon` 1e-8. Other
 * values are construct properties.
 *
 * Returns: (transfer full) (type SngAdamw): a new optimizer
 *
 * Since: 1.0
 */
SngOptimizer *
sng_adamw_new (GListModel *parameters, double learning_rate, double weight_decay)
{
  g_return_val_if_fail (G_IS_LIST_MODEL (parameters), NULL);

  return g_object_new (SNG_TYPE_ADAMW, "parameters", parameters, "learning-rate", learning_rate,
                       "weight-decay", weight_decay, NULL);
}

static gboolean
check_group (SngAdamw *self,
             const char *name,
             const char *pattern,
             double weight_decay,
             double learning_rate_factor,
             GError **error)
{
  GListModel *parameters = sng_optimizer_get_parameters (SNG_OPTIMIZER (self));

  if (self->slots != NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[adamw][group] %s: the optimizer is in use, its groups are settled", name);
      return FALSE;
    }

  if (!(weight_decay >= 0.0 && weight_decay <= G_MAXDOUBLE)
      || !(learning_rate_factor >= 0.0 && learning_rate_factor <= G_MAXDOUBLE))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[adamw][group] %s: weight decay %g and learning-rate factor %g, expected are finite "
                   "values from 0",
                   name, weight_decay, learning_rate_factor);
      return FALSE;
    }

  for (guint i = 0; i < self->groups->len; i++)
    if (g_str_equal (((const Group *) g_ptr_array_index (self->groups, i))->name, name))
      {
        g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                     "[adamw][group] %s: there is a group of this name already", name);
        return FALSE;
      }

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (g_pattern_match_simple (pattern, sng_parameter_get_name (parameter)))
        return TRUE;
    }

  g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_FOUND, "[adamw][group] %s: no parameter's name matches \"%s\"",
               name, pattern);

  return FALSE;
}

/**
 * sng_adamw_add_group:
 * @self: an optimizer that is not in use yet
 * @name: the group's name
 * @pattern: which parameters belong to it, by name: `*` stands for any text, `?`
 *   for any character
 * @weight_decay: the weight decay
 * @learning_rate_factor: what the learning rate is multiplied with
 * @error: return location for a #GError
 *
 * Adds a group of parameters. Where a parameter matches several patterns, it
 * belongs to the group that was added first.
 *
 * Returns: whether it worked; otherwise, as where no parameter matches, @error is
 *   set
 *
 * Since: 1.0
 */
gboolean
sng_adamw_add_group (SngAdamw *self,
                     const char *name,
                     const char *pattern,
                     double weight_decay,
                     double learning_rate_factor,
                     GError **error)
{
  g_return_val_if_fail (SNG_IS_ADAMW (self), FALSE);
  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (pattern != NULL, FALSE);

  if (!check_group (self, name, pattern, weight_decay, learning_rate_factor, error))
    return FALSE;

  /* before the default one */
  g_ptr_array_insert (self->groups, (int) self->groups->len - 1,
                      group_new (name, pattern, weight_decay, learning_rate_factor));

  return TRUE;
}
