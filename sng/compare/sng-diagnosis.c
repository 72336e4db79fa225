/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "compare/sng-diagnosis-private.h"

/**
 * SngDiagnosis:
 *
 * Why two runs differ, as far as the records tell.
 *
 * It has the class of the cause, one sentence with what tells it, and the recorded values
 * behind that, a line each. Where the records do not tell the cause it is
 * %SNG_CAUSE_UNKNOWN, and the sentence says what differs first.
 *
 * A diagnosis never changes. See [func@Sng.diagnose_report].
 *
 * Since: 1.0
 */
struct _SngDiagnosis
{
  GObject parent_instance;

  SngCause cause;
  char *sentence;
  GPtrArray *evidence; /* strings, with a NULL at its end */
};

G_DEFINE_FINAL_TYPE (SngDiagnosis, sng_diagnosis, G_TYPE_OBJECT)

static void
sng_diagnosis_finalize (GObject *object)
{
  SngDiagnosis *self = SNG_DIAGNOSIS (object);

  g_free (self->sentence);
  g_ptr_array_unref (self->evidence);

  G_OBJECT_CLASS (sng_diagnosis_parent_class)->finalize (object);
}

static void
sng_diagnosis_class_init (SngDiagnosisClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sng_diagnosis_finalize;
}

static void
sng_diagnosis_init (SngDiagnosis *self)
{
  self->evidence = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->evidence, NULL);
}

SngDiagnosis *
sng_diagnosis_new (SngCause cause, const char *format, ...)
{
  SngDiagnosis *self = g_object_new (SNG_TYPE_DIAGNOSIS, NULL);
  va_list arguments;

  self->cause = cause;
  va_start (arguments, format);
  self->sentence = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  return self;
}

void
sng_diagnosis_add_evidence (SngDiagnosis *self, const char *line)
{
  g_ptr_array_insert (self->evidence, (int) self->evidence->len - 1, g_strdup (line));
}

void
sng_diagnosis_put_before (SngDiagnosis *self, SngCause cause, const char *sentence)
{
  g_autofree char *known = self->sentence;

  if (self->cause == SNG_CAUSE_UNKNOWN || self->cause == SNG_CAUSE_NONDETERMINISM)
    self->cause = cause;
  self->sentence = g_strdup_printf ("%s; %s", sentence, known);
}

/**
 * sng_diagnosis_get_cause:
 * @self: a diagnosis
 *
 * Gets the class of what went wrong.
 *
 * Returns: the cause; %SNG_CAUSE_UNKNOWN where the records do not tell it
 *
 * Since: 1.0
 */
SngCause
sng_diagnosis_get_cause (SngDiagnosis *self)
{
  g_return_val_if_fail (SNG_IS_DIAGNOSIS (self), SNG_CAUSE_UNKNOWN);

  return self->cause;
}

/**
 * sng_diagnosis_get_sentence:
 * @self: a diagnosis
 *
 * Gets what is wrong, in one sentence.
 *
 * Returns: (transfer none): a string in one line, without a full stop, such as `the learning
 *   rate at step 8 is CONTINUOUS's of step 1: the schedule started over`
 *
 * Since: 1.0
 */
const char *
sng_diagnosis_get_sentence (SngDiagnosis *self)
{
  g_return_val_if_fail (SNG_IS_DIAGNOSIS (self), NULL);

  return self->sentence;
}

/**
 * sng_diagnosis_get_evidence:
 * @self: a diagnosis
 *
 * Gets the recorded values that the diagnosis rests on.
 *
 * Returns: (transfer none) (array zero-terminated=1): strings, in one line each
 *
 * Since: 1.0
 */
const char *const *
sng_diagnosis_get_evidence (SngDiagnosis *self)
{
  g_return_val_if_fail (SNG_IS_DIAGNOSIS (self), NULL);

  return (const char *const *) self->evidence->pdata;
}

/**
 * sng_diagnosis_to_string:
 * @self: a diagnosis
 *
 * Describes the diagnosis in one line.
 *
 * Returns: (transfer full): the cause and the sentence, as in `schedule: the learning rate at
 *   step 8 is CONTINUOUS's of step 1: the schedule started over`
 *
 * Since: 1.0
 */
char *
sng_diagnosis_to_string (SngDiagnosis *self)
{
  g_return_val_if_fail (SNG_IS_DIAGNOSIS (self), NULL);

  return g_strdup_printf ("%s: %s", sng_cause_to_string (self->cause), self->sentence);
}
