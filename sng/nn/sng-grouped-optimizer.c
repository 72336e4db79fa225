/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nn/sng-grouped-optimizer-private.h"

#include "nn/sng-parameter-groups-private.h"
#include "sng-error.h"
#include "state/sng-vfunc-private.h"
#include "train/sng-settings-private.h"

/**
 * SngGroupedOptimizer:
 *
 * What the optimizers of libsng have in common: groups of parameters, and buffers
 * for each of them, such as moments, as state.
 *
 * Each group has a weight decay of its own and a factor on the learning rate. A
 * parameter belongs to the first group whose pattern matches its name, otherwise
 * to the group "default", which has the weight decay of the optimizer and the
 * factor 1.
 *
 * ```c
 * g_autoptr (SngOptimizer) optimizer = sng_adamw_new (parameters, 1e-4, 0.01);
 *
 * if (!sng_grouped_optimizer_add_group (SNG_GROUPED_OPTIMIZER (optimizer), "no-decay", "*.bias", 0.0, 1.0, &error))
 *   return FALSE;
 * ```
 *
 * The parameters are f32 or f64, and so are the buffers. They do not share memory.
 * A parameter without gradient is left alone. A step passes over all parameters
 * at once, in as many threads as their device has, and its results do not depend
 * on the number of threads.
 *
 * The state is `step`, the number of steps made, `learning_rate`, the optimizer's own
 * settings, for each group `group.NAME.pattern`, `group.NAME.weight_decay`,
 * `group.NAME.learning_rate_factor` and, but for the default one,
 * `group.NAME.position`, its place in the order, and the buffers of each parameter that has a
 * gradient. Other settings than one's own are refused.
 *
 * One's own optimizer derives from [class@Sng.Optimizer].
 *
 * Since: 1.0
 */

/**
 * SngGroupedOptimizerClass:
 * @parent_class: the parent class
 *
 * What only libsng's own optimizers fill.
 *
 * Since: 1.0
 */

/* A parameter with a gradient. */
typedef struct
{
  SngParameter *parameter;
  SngTensor *buffers[SNG_SPAN_BUFFERS];
} Slot;

/* The spans of all parameters of one dtype on one device. */
typedef struct
{
  SngDevice *device;
  const SngKernels *kernels;
  GArray *spans;
} Pass;

typedef struct
{
  GPtrArray *groups; /* of SngParameterGroup */
  GArray *slots;     /* NULL until the buffers are needed; then the groups are settled */
  GArray *passes;
  guint64 step;
} SngGroupedOptimizerPrivate;

static void sng_grouped_optimizer_stateful_init (SngStatefulInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SngGroupedOptimizer,
                                  sng_grouped_optimizer,
                                  SNG_TYPE_OPTIMIZER,
                                  G_ADD_PRIVATE (SngGroupedOptimizer)
                                      G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL,
                                                             sng_grouped_optimizer_stateful_init))

#define GET_PRIVATE(self)                                                                                    \
 ((SngGroupedOptimizerPrivate *) sng_grouped_optimizer_get_instance_private (SNG_GROUPED_OPTIMIZER (self)))

static const SngUpdateRule *
get_rule (SngGroupedOptimizer *self)
{
  return SNG_GROUPED_OPTIMIZER_GET_CLASS (self)->rule;
}

static void
slot_clear (gpointer data)
{
  Slot *slot = data;

  g_clear_object (&slot->parameter);
  for (guint i = 0; i < SNG_SPAN_BUFFERS; i++)
    g_clear_object (&slot->buffers[i]);
}

static void
pass_clear (gpointer data)
{
  Pass *pass = data;

  g_clear_object (&pass->device);
  g_clear_pointer (&pass->spans, g_array_unref);
}

static SngTensor *
new_buffer (SngTensor *value, GError **error)
{
  guint n_dims;
  const gint64 *shape = sng_tensor_get_shape (value, &n_dims);

  return sng_tensor_new (sng_tensor_get_dtype (value), shape, n_dims, sng_tensor_get_device (value), error);
}

static gboolean
fill_slot (SngGroupedOptimizer *self, Slot *slot, SngParameter *parameter, GError **error)
{
  const SngUpdateRule *rule = get_rule (self);
  const char *const *buffers = rule->get_buffers (self);
  SngTensor *value = sng_parameter_get_value (parameter);

  if (sng_device_get_kernels (sng_tensor_get_device (value), sng_tensor_get_dtype (value)) == NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED,
                   "[%s] %s: there is no arithmetic for %s on device \"%s\"", rule->name,
                   sng_parameter_get_name (parameter), sng_dtype_get_name (sng_tensor_get_dtype (value)),
                   sng_device_get_name (sng_tensor_get_device (value)));
      return FALSE;
    }

  slot->parameter = g_object_ref (parameter);
  for (guint i = 0; buffers[i] != NULL; i++)
    {
      slot->buffers[i] = new_buffer (value, error);
      if (slot->buffers[i] == NULL)
        return FALSE;
    }

  return TRUE;
}

/* The spans of a step are worked on in any order. */
static gboolean
check_apart (SngGroupedOptimizer *self, const Slot *slots, guint n_slots, GError **error)
{
  SngTensor *last = sng_parameter_get_value (slots[n_slots - 1].parameter);
  const char *begin = sng_tensor_get_data (last);

  for (guint i = 0; i + 1 < n_slots; i++)
    {
      SngTensor *value = sng_parameter_get_value (slots[i].parameter);
      const char *other = sng_tensor_get_data (value);

      if (begin < other + sng_tensor_get_n_bytes (value) && other < begin + sng_tensor_get_n_bytes (last))
        {
          g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "[%s] %s and %s share memory",
                       get_rule (self)->name, sng_parameter_get_name (slots[n_slots - 1].parameter),
                       sng_parameter_get_name (slots[i].parameter));
          return FALSE;
        }
    }

  return TRUE;
}

static GArray *
make_slots (SngGroupedOptimizer *self, GError **error)
{
  GListModel *parameters = sng_optimizer_get_parameters (SNG_OPTIMIZER (self));
  g_autoptr (GArray) slots = g_array_new (FALSE, TRUE, sizeof (Slot));

  g_array_set_clear_func (slots, slot_clear);

  for (guint i = 0; i < g_list_model_get_n_items (parameters); i++)
    {
      g_autoptr (SngParameter) parameter = g_list_model_get_item (parameters, i);

      if (sng_parameter_get_gradient (parameter) == NULL)
        continue;

      g_array_set_size (slots, slots->len + 1);

      if (!fill_slot (self, &g_array_index (slots, Slot, slots->len - 1), parameter, error)
          || !check_apart (self, &g_array_index (slots, Slot, 0), slots->len, error))
        return NULL;
    }

  return g_steal_pointer (&slots);
}

static GArray *
find_spans (GArray *passes, SngDevice *device, const SngKernels *kernels)
{
  Pass pass = { .device = device, .kernels = kernels };

  for (guint i = 0; i < passes->len; i++)
    {
      const Pass *other = &g_array_index (passes, Pass, i);

      if (other->device == device && other->kernels == kernels)
        return other->spans;
    }

  g_object_ref (device);
  pass.spans = g_array_new (FALSE, FALSE, sizeof (SngSpan));
  g_array_append_val (passes, pass);

  return pass.spans;
}

static void
add_spans (GArray *spans, const Slot *slot, const SngParameterGroup *group)
{
  SngTensor *value = sng_parameter_get_value (slot->parameter);
  gsize size = sng_dtype_get_size (sng_tensor_get_dtype (value));
  gsize n_elements = (gsize) sng_tensor_get_n_elements (value);
  const char *gradient = sng_tensor_get_data (sng_parameter_get_gradient (slot->parameter));
  char *parameter = sng_tensor_get_data (value);

  for (gsize first = 0; first < n_elements; first += SNG_SPAN_ELEMENTS)
    {
      SngSpan span = {
        .n_elements = MIN (SNG_SPAN_ELEMENTS, n_elements - first),
        .learning_rate_factor = group->learning_rate_factor,
        .weight_decay = group->weight_decay,
        .gradient = gradient + first * size,
        .parameter = parameter + first * size,
      };

      for (guint i = 0; i < SNG_SPAN_BUFFERS; i++)
        if (slot->buffers[i] != NULL)
          span.buffers[i] = (char *) sng_tensor_get_data (slot->buffers[i]) + first * size;

      g_array_append_val (spans, span);
    }
}

static void
make_passes (SngGroupedOptimizer *self)
{
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (self);

  priv->passes = g_array_new (FALSE, FALSE, sizeof (Pass));
  g_array_set_clear_func (priv->passes, pass_clear);

  for (guint i = 0; i < priv->slots->len; i++)
    {
      const Slot *slot = &g_array_index (priv->slots, Slot, i);
      SngTensor *value = sng_parameter_get_value (slot->parameter);
      SngDevice *device = sng_tensor_get_device (value);
      const SngKernels *kernels = sng_device_get_kernels (device, sng_tensor_get_dtype (value));

      add_spans (find_spans (priv->passes, device, kernels), slot,
                 sng_parameter_groups_find (priv->groups, sng_parameter_get_name (slot->parameter)));
    }
}

/* Makes the buffers, all zero, when they are needed for the first time. */
static gboolean
ensure_slots (SngGroupedOptimizer *self, GError **error)
{
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (self);
  const SngUpdateRule *rule = get_rule (self);

  if (priv->slots != NULL)
    return TRUE;

  if (!sng_vfunc_check_implemented (self, "step", rule->update != NULL, error)
      || (rule->check_settings != NULL && !rule->check_settings (self, error)))
    return FALSE;

  priv->slots = make_slots (self, error);
  if (priv->slots == NULL)
    return FALSE;

  make_passes (self);

  return TRUE;
}

static gboolean
sng_grouped_optimizer_step (SngOptimizer *optimizer, GError **error)
{
  SngGroupedOptimizer *self = SNG_GROUPED_OPTIMIZER (optimizer);
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (self);
  SngUpdate update = {
    .step = priv->step + 1,
    .learning_rate = sng_optimizer_get_learning_rate (optimizer),
  };

  if (!ensure_slots (self, error))
    return FALSE;

  for (guint i = 0; i < priv->passes->len; i++)
    {
      const Pass *pass = &g_array_index (priv->passes, Pass, i);

      update.n_spans = pass->spans->len;
      update.spans = &g_array_index (pass->spans, SngSpan, 0);
      get_rule (self)->update (self, pass->device, pass->kernels, &update);
    }

  priv->step++;

  return TRUE;
}

static SngStateDict *
sng_grouped_optimizer_get_state (SngStateful *stateful, GError **error)
{
  SngGroupedOptimizer *self = SNG_GROUPED_OPTIMIZER (stateful);
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (self);
  const SngUpdateRule *rule = get_rule (self);
  g_autoptr (SngStateDict) state = sng_state_dict_new ();
  const char *const *buffers;

  if (!ensure_slots (self, error))
    return NULL;

  sng_state_dict_set_value (state, "step", g_variant_new_uint64 (priv->step));
  sng_state_dict_set_double (state, "learning_rate", sng_optimizer_get_learning_rate (SNG_OPTIMIZER (self)));
  rule->add_settings (self, state);
  sng_parameter_groups_add_settings (priv->groups, state);

  buffers = rule->get_buffers (self);
  for (guint i = 0; i < priv->slots->len; i++)
    {
      const Slot *slot = &g_array_index (priv->slots, Slot, i);

      for (guint j = 0; buffers[j] != NULL; j++)
        {
          g_autofree char *name =
              g_strdup_printf ("%s.%s", sng_parameter_get_name (slot->parameter), buffers[j]);

          sng_state_dict_set_tensor (state, name, slot->buffers[j]);
        }
    }

  return g_steal_pointer (&state);
}

/* Returns: one's own state, whose tensors @state fits, or NULL with @error set. */
static SngStateDict *
read_state (SngStateful *stateful, SngStateDict *state, guint64 *step, double *learning_rate, GError **error)
{
  const char *const varying[] = { "step", "learning_rate", NULL };
  g_autofree char *place =
      g_strdup_printf ("[%s][restore]", get_rule (SNG_GROUPED_OPTIMIZER (stateful))->name);
  g_autoptr (SngStateDict) own = sng_grouped_optimizer_get_state (stateful, error);

  if (own == NULL || !sng_settings_check (state, own, place, varying, error)
      || !sng_settings_get_uint64 (state, place, "step", step, error)
      || !sng_settings_get_learning_rate (state, place, learning_rate, error))
    return NULL;

  return g_steal_pointer (&own);
}

static gboolean
sng_grouped_optimizer_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = NULL;
  guint64 step;
  double learning_rate;

  own = read_state (stateful, state, &step, &learning_rate, error);

  return own != NULL;
}

static gboolean
sng_grouped_optimizer_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = NULL;
  guint64 step;
  double learning_rate;

  own = read_state (stateful, state, &step, &learning_rate, error);

  if (own == NULL)
    return FALSE;

  for (guint i = 0; i < sng_state_dict_get_n_items (own); i++)
    {
      const char *name = sng_state_dict_get_name (own, i);
      SngTensor *tensor = sng_state_dict_lookup_tensor (own, name);

      if (tensor != NULL && !sng_tensor_copy_from (tensor, sng_state_dict_lookup_tensor (state, name), error))
        return FALSE;
    }

  GET_PRIVATE (stateful)->step = step;
  sng_optimizer_set_learning_rate (SNG_OPTIMIZER (stateful), learning_rate);

  return TRUE;
}

static void
sng_grouped_optimizer_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = sng_grouped_optimizer_get_state;
  iface->check_state = sng_grouped_optimizer_check_state;
  iface->set_state = sng_grouped_optimizer_set_state;
}

static void
sng_grouped_optimizer_finalize (GObject *object)
{
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (object);

  g_clear_pointer (&priv->passes, g_array_unref);
  g_clear_pointer (&priv->slots, g_array_unref);
  g_clear_pointer (&priv->groups, g_ptr_array_unref);

  G_OBJECT_CLASS (sng_grouped_optimizer_parent_class)->finalize (object);
}

static void
sng_grouped_optimizer_class_init (SngGroupedOptimizerClass *klass)
{
  static const SngUpdateRule none = { .name = "optimizer" };

  klass->rule = &none;

  G_OBJECT_CLASS (klass)->finalize = sng_grouped_optimizer_finalize;
  SNG_OPTIMIZER_CLASS (klass)->step = sng_grouped_optimizer_step;
}

static void
sng_grouped_optimizer_init (SngGroupedOptimizer *self)
{
  GET_PRIVATE (self)->groups = sng_parameter_groups_new ();
}

double *
sng_grouped_optimizer_get_weight_decay (SngGroupedOptimizer *self)
{
  return &sng_parameter_groups_get_default (GET_PRIVATE (self)->groups)->weight_decay;
}

/**
 * sng_grouped_optimizer_add_group:
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
sng_grouped_optimizer_add_group (SngGroupedOptimizer *self,
                                 const char *name,
                                 const char *pattern,
                                 double weight_decay,
                                 double learning_rate_factor,
                                 GError **error)
{
  SngGroupedOptimizerPrivate *priv = GET_PRIVATE (self);
  const SngParameterGroup group = {
    .name = (char *) name,
    .pattern = (char *) pattern,
    .weight_decay = weight_decay,
    .learning_rate_factor = learning_rate_factor,
  };
  g_autofree char *place = NULL;

  g_return_val_if_fail (SNG_IS_GROUPED_OPTIMIZER (self), FALSE);
  g_return_val_if_fail (name != NULL && *name != '\0', FALSE);
  g_return_val_if_fail (pattern != NULL, FALSE);

  if (priv->slots != NULL)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "[%s][group] %s: the optimizer is in use, its groups are settled", get_rule (self)->name,
                   name);
      return FALSE;
    }

  place = g_strdup_printf ("[%s][group]", get_rule (self)->name);

  return sng_parameter_groups_add (priv->groups, &group, sng_optimizer_get_parameters (SNG_OPTIMIZER (self)),
                                   place, error);
}
