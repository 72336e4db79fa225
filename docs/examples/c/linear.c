/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A whole training of one's own, with nothing of the reference engine: model, data, optimizer and schedule. It is a
 * test program, with a case for each metric, and one that breaks the resume to see that the check finds it.
 */

#include <math.h>
#include <sng.h>

static SngTensor *
vector_new (const double *values, gsize n_values, GError **error)
{
  const gint64 shape[] = { (gint64) n_values };

  return sng_tensor_new_from_values (SNG_DTYPE_F64, shape, 1, values, n_values, error);
}

/* ---- y = weight * x, and the mean squared error ---- */

#define LINE_TYPE_MODEL (line_model_get_type ())
G_DECLARE_FINAL_TYPE (LineModel, line_model, LINE, MODEL, SngModel)

struct _LineModel
{
  SngModel parent_instance;

  GListStore *parameters;
  double gradient; /* of the last forward's loss */
};

G_DEFINE_FINAL_TYPE (LineModel, line_model, SNG_TYPE_MODEL)

static SngParameter *
line_model_get_weight (LineModel *self)
{
  g_autoptr (SngParameter) weight = g_list_model_get_item (G_LIST_MODEL (self->parameters), 0);

  return weight; /* the list holds it */
}

static gboolean
set_number (SngTensor *tensor, double number, GError **error)
{
  g_autoptr (SngTensor) source = vector_new (&number, 1, error);

  return source != NULL && sng_tensor_copy_from (tensor, source, error);
}

static GListModel *
line_model_get_parameters (SngModel *model, GError **error)
{
  return g_object_ref (G_LIST_MODEL (LINE_MODEL (model)->parameters));
}

static SngStateDict *
line_model_forward (SngModel *model, SngStateDict *batch, SngStage stage, GError **error)
{
  LineModel *self = LINE_MODEL (model);
  double weight = sng_tensor_get_value (sng_parameter_get_value (line_model_get_weight (self)), 0);
  SngTensor *x = sng_state_dict_lookup_tensor (batch, "x");
  SngTensor *y = sng_state_dict_lookup_tensor (batch, "y");
  gsize n = sng_tensor_get_n_elements (x);
  g_autofree double *residuals = g_new (double, n);
  g_autoptr (SngStateDict) outputs = sng_state_dict_new ();
  g_autoptr (SngTensor) tensor = NULL;
  double loss = 0.0, gradient = 0.0;

  for (gsize i = 0; i < n; i++)
    {
      double xi = sng_tensor_get_value (x, i);

      residuals[i] = weight * xi - sng_tensor_get_value (y, i);
      loss += residuals[i] * residuals[i] / (double) n;
      gradient += 2.0 * residuals[i] * xi / (double) n;
    }
  if (stage == SNG_STAGE_TRAIN)
    self->gradient = gradient;

  tensor = vector_new (residuals, n, error);
  if (tensor == NULL)
    return NULL;

  sng_state_dict_set_double (outputs, "loss", loss);
  sng_state_dict_set_tensor (outputs, "residuals", tensor);

  return g_steal_pointer (&outputs);
}

static gboolean
line_model_backward (SngModel *model, double scale, GError **error)
{
  LineModel *self = LINE_MODEL (model);
  SngTensor *gradient = sng_parameter_get_gradient (line_model_get_weight (self));

  return set_number (gradient, sng_tensor_get_value (gradient, 0) + scale * self->gradient, error);
}

static gboolean
line_model_zero_gradients (SngModel *model, GError **error)
{
  return set_number (sng_parameter_get_gradient (line_model_get_weight (LINE_MODEL (model))), 0.0, error);
}

static void
line_model_finalize (GObject *object)
{
  g_clear_object (&LINE_MODEL (object)->parameters);

  G_OBJECT_CLASS (line_model_parent_class)->finalize (object);
}

static void
line_model_class_init (LineModelClass *klass)
{
  SngModelClass *model_class = SNG_MODEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = line_model_finalize;

  model_class->get_parameters = line_model_get_parameters;
  model_class->forward = line_model_forward;
  model_class->backward = line_model_backward;
  model_class->zero_gradients = line_model_zero_gradients;
}

static void
line_model_init (LineModel *self)
{
  self->parameters = g_list_store_new (SNG_TYPE_PARAMETER);
}

static LineModel *
line_model_new (GError **error)
{
  const double start = 0.1, zero = 0.0;
  g_autoptr (LineModel) self = g_object_new (LINE_TYPE_MODEL, NULL);
  g_autoptr (SngTensor) value = vector_new (&start, 1, error);
  g_autoptr (SngTensor) gradient = value != NULL ? vector_new (&zero, 1, error) : NULL;
  g_autoptr (SngParameter) weight = NULL;

  if (gradient == NULL)
    return NULL;

  weight = sng_parameter_new ("weight", value, gradient);
  g_list_store_append (self->parameters, weight);

  return g_steal_pointer (&self);
}

/* ---- Points near a line, with noise from the stream ---- */

#define LINE_TYPE_DATA (line_data_get_type ())
G_DECLARE_FINAL_TYPE (LineData, line_data, LINE, DATA, SngDataModule)

struct _LineData
{
  SngDataModule parent_instance;
};

G_DEFINE_FINAL_TYPE (LineData, line_data, SNG_TYPE_DATA_MODULE)

static guint64
line_data_get_n_samples (SngDataModule *data, SngStage stage)
{
  return stage == SNG_STAGE_TRAIN ? 14 : 6;
}

static SngStateDict *
line_data_load_batch (SngDataModule *data, SngStage stage, SngTensor *ids, SngRngStream *rng, GError **error)
{
  gsize n = sng_tensor_get_n_elements (ids);
  g_autofree double *x = g_new (double, n);
  g_autofree double *y = g_new (double, n);
  g_autoptr (SngTensor) inputs = NULL;
  g_autoptr (SngTensor) targets = NULL;
  g_autoptr (SngStateDict) batch = sng_state_dict_new ();

  for (gsize i = 0; i < n; i++)
    {
      /* The stream stands at the first of these samples. What is drawn depends on the sample, not on the batch. */
      double noise = sng_rng_stream_uniform (rng, sng_rng_stream_get_position (rng) + i, 0, 0);

      x[i] = (double) (sng_tensor_get_value_int64 (ids, i) * 7 % 11) / 11.0 - 0.5;
      y[i] = 2.0 * x[i] + 0.01 * noise;
    }

  inputs = vector_new (x, n, error);
  targets = inputs != NULL ? vector_new (y, n, error) : NULL;
  if (targets == NULL)
    return NULL;

  sng_state_dict_set_tensor (batch, "x", inputs);
  sng_state_dict_set_tensor (batch, "y", targets);
  sng_state_dict_set_tensor (batch, "sample_ids", ids);
  sng_state_dict_set_int64 (batch, "n_targets", (gint64) n);

  return g_steal_pointer (&batch);
}

static void
line_data_class_init (LineDataClass *klass)
{
  SNG_DATA_MODULE_CLASS (klass)->get_n_samples = line_data_get_n_samples;
  SNG_DATA_MODULE_CLASS (klass)->load_batch = line_data_load_batch;
}

static void
line_data_init (LineData *self)
{
}

/* ---- Gradient descent with momentum, which is a state ---- */

#define LINE_TYPE_MOMENTUM (line_momentum_get_type ())
G_DECLARE_FINAL_TYPE (LineMomentum, line_momentum, LINE, MOMENTUM, SngOptimizer)

struct _LineMomentum
{
  SngOptimizer parent_instance;

  double velocity;
};

static SngStateDict *
line_momentum_get_state (SngStateful *stateful, GError **error)
{
  SngStateDict *state = sng_state_dict_new ();

  sng_state_dict_set_double (state, "velocity", LINE_MOMENTUM (stateful)->velocity);

  return state;
}

/* Looks at everything, and changes nothing. */
static gboolean
line_momentum_check_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  g_autoptr (SngStateDict) own = line_momentum_get_state (stateful, error);

  return sng_state_dict_check_layout (state, own, error);
}

static gboolean
line_momentum_set_state (SngStateful *stateful, SngStateDict *state, GError **error)
{
  return sng_state_dict_get_double (state, "velocity", &LINE_MOMENTUM (stateful)->velocity, error);
}

static void
line_momentum_stateful_init (SngStatefulInterface *iface)
{
  iface->get_state = line_momentum_get_state;
  iface->check_state = line_momentum_check_state;
  iface->set_state = line_momentum_set_state;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (LineMomentum,
                               line_momentum,
                               SNG_TYPE_OPTIMIZER,
                               G_IMPLEMENT_INTERFACE (SNG_TYPE_STATEFUL, line_momentum_stateful_init))

static gboolean
line_momentum_step (SngOptimizer *optimizer, GError **error)
{
  LineMomentum *self = LINE_MOMENTUM (optimizer);
  g_autoptr (SngParameter) weight = g_list_model_get_item (sng_optimizer_get_parameters (optimizer), 0);
  SngTensor *value = sng_parameter_get_value (weight);

  self->velocity = 0.9 * self->velocity + sng_tensor_get_value (sng_parameter_get_gradient (weight), 0);

  return set_number (
      value, sng_tensor_get_value (value, 0) - sng_optimizer_get_learning_rate (optimizer) * self->velocity,
      error);
}

static void
line_momentum_class_init (LineMomentumClass *klass)
{
  SNG_OPTIMIZER_CLASS (klass)->step = line_momentum_step;
}

static void
line_momentum_init (LineMomentum *self)
{
}

/* ---- A rate that falls with each step ---- */

#define LINE_TYPE_DECAY (line_decay_get_type ())
G_DECLARE_FINAL_TYPE (LineDecay, line_decay, LINE, DECAY, SngLrScheduler)

struct _LineDecay
{
  SngLrScheduler parent_instance;
};

G_DEFINE_FINAL_TYPE (LineDecay, line_decay, SNG_TYPE_LR_SCHEDULER)

static gboolean
line_decay_compute (SngLrScheduler *scheduler, guint64 step, double *learning_rate, GError **error)
{
  *learning_rate = 0.2 * pow (0.9, (double) step);

  return TRUE;
}

static void
line_decay_class_init (LineDecayClass *klass)
{
  SNG_LR_SCHEDULER_CLASS (klass)->compute = line_decay_compute;
}

static void
line_decay_init (LineDecay *self)
{
}

/* ---- The check ---- */

#define LINE_TYPE_HARNESS (line_harness_get_type ())
G_DECLARE_DERIVABLE_TYPE (LineHarness, line_harness, LINE, HARNESS, SngHarness)

struct _LineHarnessClass
{
  SngHarnessClass parent_class;
};

G_DEFINE_TYPE (LineHarness, line_harness, SNG_TYPE_HARNESS)

static SngSetup *
line_harness_setup_model (SngHarness *harness, SngMode mode, GError **error)
{
  g_autoptr (LineModel) model = line_model_new (error);
  g_autoptr (SngDataModule) data = g_object_new (LINE_TYPE_DATA, NULL);
  g_autoptr (SngLrScheduler) scheduler = g_object_new (LINE_TYPE_DECAY, NULL);
  g_autoptr (SngOptimizer) optimizer = NULL;

  if (model == NULL)
    return NULL;

  optimizer = g_object_new (LINE_TYPE_MOMENTUM, "parameters", model->parameters, NULL);

  return sng_setup_new (SNG_MODEL (model), data, optimizer, scheduler);
}

/* What the harness has no property for, its trainer gets here. */
static SngTrainer *
line_harness_setup_trainer (SngHarness *harness, SngMode mode, GError **error)
{
  SngTrainer *trainer = SNG_HARNESS_CLASS (line_harness_parent_class)->setup_trainer (harness, mode, error);
  g_autoptr (SngExponentialMovingAverage) average = sng_exponential_moving_average_new (0.9);

  if (trainer != NULL)
    g_object_set (trainer, "exponential-moving-average", average, NULL);

  return trainer;
}

static void
line_harness_class_init (LineHarnessClass *klass)
{
  SNG_HARNESS_CLASS (klass)->setup_model = line_harness_setup_model;
  SNG_HARNESS_CLASS (klass)->setup_trainer = line_harness_setup_trainer;
}

static void
line_harness_init (LineHarness *self)
{
  g_object_set (self, "num-steps", 8, "stop-step", 5, "val-check-interval", 2, NULL);
}

/* ---- And one that must not pass ---- */

#define FORGETFUL_TYPE_HARNESS (forgetful_harness_get_type ())
G_DECLARE_FINAL_TYPE (ForgetfulHarness, forgetful_harness, FORGETFUL, HARNESS, LineHarness)

struct _ForgetfulHarness
{
  LineHarness parent_instance;
};

G_DEFINE_FINAL_TYPE (ForgetfulHarness, forgetful_harness, LINE_TYPE_HARNESS)

static gboolean
forgetful_harness_restore (SngHarness *harness,
                           SngTrainer *trainer,
                           SngCheckpoint *checkpoint,
                           GError **error)
{
  SngStateRegistry *registry = sng_trainer_get_state_registry (trainer);
  g_autoptr (SngStateDict) fresh =
      sng_stateful_get_state (sng_state_registry_lookup (registry, "optimizer"), error);

  if (fresh == NULL)
    return FALSE;

  sng_checkpoint_set_state (checkpoint, "optimizer", fresh);

  return SNG_HARNESS_CLASS (forgetful_harness_parent_class)->restore (harness, trainer, checkpoint, error);
}

static void
forgetful_harness_class_init (ForgetfulHarnessClass *klass)
{
  SNG_HARNESS_CLASS (klass)->restore = forgetful_harness_restore;
}

static void
forgetful_harness_init (ForgetfulHarness *self)
{
}

static void
test_forgetful (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SngHarness) harness = g_object_new (FORGETFUL_TYPE_HARNESS, NULL);
  g_autoptr (SngReport) report = sng_harness_run_stop_and_go (harness, NULL, &error);
  SngDivergence *first;

  /* In a process that makes a run of another harness. */
  if (g_error_matches (error, SNG_ERROR, SNG_ERROR_NOT_SUPPORTED))
    {
      g_test_skip (error->message);
      return;
    }

  g_assert_no_error (error);
  g_assert_cmpint (sng_report_get_verdict (report), ==, SNG_VERDICT_DIVERGED);
  first = sng_report_get_first_divergence (report);
  g_assert_cmpstr (sng_divergence_get_metric (first), ==, "OptimizerState");
  g_assert_cmpuint (sng_divergence_get_step (first), ==, 5);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  sng_test_add_harness ("/line", LINE_TYPE_HARNESS);
  g_test_add_func ("/forgetful", test_forgetful);
  return g_test_run ();
}
