/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "harness/sng-setup.h"

/**
 * SngSetup:
 *
 * What a harness trains: a model, the data, an optimizer and, where the learning
 * rate follows a schedule, its scheduler.
 *
 * [vfunc@Sng.Harness.setup_model] returns one. Each mode asks for a fresh one: two
 * modes that shared an object would share the state that a resume must restore.
 *
 * Since: 1.0
 */
struct _SngSetup
{
  GObject parent_instance;

  SngModel *model;
  SngDataModule *data_module;
  SngOptimizer *optimizer;
  SngLrScheduler *scheduler;
};

G_DEFINE_FINAL_TYPE (SngSetup, sng_setup, G_TYPE_OBJECT)

static void
sng_setup_dispose (GObject *object)
{
  SngSetup *self = SNG_SETUP (object);

  g_clear_object (&self->model);
  g_clear_object (&self->data_module);
  g_clear_object (&self->optimizer);
  g_clear_object (&self->scheduler);

  G_OBJECT_CLASS (sng_setup_parent_class)->dispose (object);
}

static void
sng_setup_class_init (SngSetupClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = sng_setup_dispose;
}

static void
sng_setup_init (SngSetup *self)
{
}

/**
 * sng_setup_new:
 * @model: the model
 * @data_module: the data
 * @optimizer: the optimizer of the model's parameters
 * @scheduler: (nullable): the schedule of the learning rate; %NULL for the
 *   optimizer's own, unchanging one
 *
 * Puts together what a mode trains.
 *
 * Returns: (transfer full): a new setup, which holds references to all of them
 *
 * Since: 1.0
 */
SngSetup *
sng_setup_new (SngModel *model,
               SngDataModule *data_module,
               SngOptimizer *optimizer,
               SngLrScheduler *scheduler)
{
  SngSetup *self;

  g_return_val_if_fail (SNG_IS_MODEL (model), NULL);
  g_return_val_if_fail (SNG_IS_DATA_MODULE (data_module), NULL);
  g_return_val_if_fail (SNG_IS_OPTIMIZER (optimizer), NULL);
  g_return_val_if_fail (scheduler == NULL || SNG_IS_LR_SCHEDULER (scheduler), NULL);

  self = g_object_new (SNG_TYPE_SETUP, NULL);
  self->model = g_object_ref (model);
  self->data_module = g_object_ref (data_module);
  self->optimizer = g_object_ref (optimizer);
  self->scheduler = scheduler != NULL ? g_object_ref (scheduler) : NULL;

  return self;
}

/**
 * sng_setup_get_model:
 * @self: a setup
 *
 * Gets the model.
 *
 * Returns: (transfer none): the model
 *
 * Since: 1.0
 */
SngModel *
sng_setup_get_model (SngSetup *self)
{
  g_return_val_if_fail (SNG_IS_SETUP (self), NULL);

  return self->model;
}

/**
 * sng_setup_get_data_module:
 * @self: a setup
 *
 * Gets the data.
 *
 * Returns: (transfer none): the data
 *
 * Since: 1.0
 */
SngDataModule *
sng_setup_get_data_module (SngSetup *self)
{
  g_return_val_if_fail (SNG_IS_SETUP (self), NULL);

  return self->data_module;
}

/**
 * sng_setup_get_optimizer:
 * @self: a setup
 *
 * Gets the optimizer.
 *
 * Returns: (transfer none): the optimizer
 *
 * Since: 1.0
 */
SngOptimizer *
sng_setup_get_optimizer (SngSetup *self)
{
  g_return_val_if_fail (SNG_IS_SETUP (self), NULL);

  return self->optimizer;
}

/**
 * sng_setup_get_lr_scheduler:
 * @self: a setup
 *
 * Gets the schedule of the learning rate.
 *
 * Returns: (transfer none) (nullable): the schedule of the learning rate
 *
 * Since: 1.0
 */
SngLrScheduler *
sng_setup_get_lr_scheduler (SngSetup *self)
{
  g_return_val_if_fail (SNG_IS_SETUP (self), NULL);

  return self->scheduler;
}
