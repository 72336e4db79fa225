/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An interrupt as text. */

#include "harness/sng-interrupt-private.h"

#include <string.h>

#include "sng-enum-types.h"
#include "sng-error.h"
#include "sng-signal-name-private.h"

static const char *
get_nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

/**
 * sng_interrupt_to_string:
 * @self: an interrupt
 *
 * Writes an interrupt in the form that [func@Sng.Interrupt.from_string] reads, without
 * what goes without saying.
 *
 * Returns: (transfer full): the text, such as `7:kill@backward.1`
 *
 * Since: 1.0
 */
char *
sng_interrupt_to_string (SngInterrupt *self)
{
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (SNG_IS_INTERRUPT (self), NULL);

  text = g_string_new (NULL);
  g_string_append_printf (text, "%" G_GUINT64_FORMAT, self->step);

  if (self->kind != SNG_INTERRUPT_RAISE)
    g_string_append_printf (text, ":%s", get_nick (SNG_TYPE_INTERRUPT_KIND, (int) self->kind));

  if (self->kind == SNG_INTERRUPT_PREEMPT && self->signal_number != SIGTERM)
    {
      g_autofree char *name = sng_signal_to_name (self->signal_number);
      g_autofree char *lower = g_ascii_strdown (name, -1);

      g_string_append_printf (text, "=%s", g_str_has_prefix (lower, "sig") ? lower + strlen ("sig") : lower);
    }

  if (self->kind == SNG_INTERRUPT_KILL_IN_SAVE)
    {
      g_string_append_printf (text, "=%u", self->operation);
      return g_string_free (g_steal_pointer (&text), FALSE);
    }

  if (self->phase != SNG_PHASE_STEP_FINISHED)
    g_string_append_printf (text, "@%s", sng_phase_to_string (self->phase));
  if (sng_phase_has_micro_batches (self->phase) && self->index > 0)
    g_string_append_printf (text, ".%u", self->index);
  if (self->phase == SNG_PHASE_SAVE && self->operation > 1)
    g_string_append_printf (text, ".%u", self->operation);

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The parts of STEP[:KIND[=ARG]][@PHASE[.INDEX]]; NULL: not there. */
typedef struct
{
  char *step;
  char *kind;
  char *argument;
  char *phase;
  char *index;
} Parts;

/* Cuts the text at a character, and returns what is behind it. */
static char *
cut (char *text, char at)
{
  char *place = text != NULL ? strchr (text, at) : NULL;

  if (place == NULL)
    return NULL;

  *place = '\0';

  return place + 1;
}

static void
split (char *text, Parts *parts)
{
  parts->step = text;
  parts->phase = cut (text, '@');
  parts->index = cut (parts->phase, '.');
  parts->kind = cut (text, ':');
  parts->argument = cut (parts->kind, '=');
}

/* A value by its nick, or an error that lists those that there are. */
static gboolean
parse_nick (GType type, const char *what, const char *nick, int *value, GError **error)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  GEnumValue *found = g_enum_get_value_by_nick (klass, nick);
  g_autoptr (GString) nicks = NULL;

  if (found != NULL)
    {
      *value = found->value;
      return TRUE;
    }

  nicks = g_string_new (NULL);
  for (guint i = 0; i < klass->n_values; i++)
    g_string_append_printf (nicks, "%s%s", i > 0 ? ", " : "", klass->values[i].value_nick);
  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "there is no %s \"%s\", there are %s", what,
               nick, nicks->str);

  return FALSE;
}

static gboolean
parse_number (const char *what,
              const char *text,
              guint64 minimum,
              guint64 maximum,
              guint64 *value,
              GError **error)
{
  if (g_ascii_string_to_unsigned (text, 10, minimum, maximum, value, NULL))
    return TRUE;

  g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
               "%s is \"%s\", not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what, text,
               minimum, maximum);

  return FALSE;
}

static gboolean
parse_argument (SngInterrupt *self, const char *argument, GError **error)
{
  guint64 operation;

  if (argument == NULL)
    return TRUE;

  switch (self->kind)
    {
    case SNG_INTERRUPT_PREEMPT:
      if (sng_signal_from_name (argument, &self->signal_number))
        return TRUE;
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "there is no signal \"%s\"", argument);
      return FALSE;
    case SNG_INTERRUPT_KILL_IN_SAVE:
      if (!parse_number ("the operation", argument, 1, G_MAXUINT, &operation, error))
        return FALSE;
      self->operation = (guint) operation;
      return TRUE;
    default:
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT, "%s takes no \"=%s\"",
                   get_nick (SNG_TYPE_INTERRUPT_KIND, (int) self->kind), argument);
      return FALSE;
    }
}

static gboolean
parse_phase (SngInterrupt *self, const Parts *parts, GError **error)
{
  guint64 number;
  int phase;

  if (parts->phase == NULL)
    return TRUE;

  if (self->kind == SNG_INTERRUPT_KILL_IN_SAVE)
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "kill-in-save has its phase already and takes no \"@%s\"", parts->phase);
      return FALSE;
    }

  if (!parse_nick (SNG_TYPE_PHASE, "phase", parts->phase, &phase, error))
    return FALSE;

  self->phase = (SngPhase) phase;

  if (parts->index == NULL)
    return TRUE;

  if (self->phase == SNG_PHASE_SAVE)
    {
      if (!parse_number ("the operation", parts->index, 1, G_MAXUINT, &number, error))
        return FALSE;
      self->operation = (guint) number;
      return TRUE;
    }

  if (!sng_phase_has_micro_batches (self->phase))
    {
      g_set_error (error, SNG_ERROR, SNG_ERROR_INVALID_ARGUMENT,
                   "%s has no micro-batches and takes no \".%s\"", parts->phase, parts->index);
      return FALSE;
    }

  if (!parse_number ("the micro-batch", parts->index, 0, G_MAXUINT, &number, error))
    return FALSE;
  self->index = (guint) number;

  return TRUE;
}

static SngInterrupt *
parse (const Parts *parts, GError **error)
{
  g_autoptr (SngInterrupt) self = NULL;
  int kind = SNG_INTERRUPT_RAISE;
  guint64 step;

  if (!parse_number ("the step", parts->step, 0, G_MAXUINT64, &step, error)
      || (parts->kind != NULL && !parse_nick (SNG_TYPE_INTERRUPT_KIND, "kind", parts->kind, &kind, error)))
    return NULL;

  self = sng_interrupt_new ((SngInterruptKind) kind, step);

  return parse_argument (self, parts->argument, error) && parse_phase (self, parts, error)
             ? g_steal_pointer (&self)
             : NULL;
}

/**
 * sng_interrupt_from_string:
 * @text: the text
 * @error: return location for a #GError
 *
 * Reads an interrupt from its text, `STEP[:KIND[=ARG]][@PHASE[.INDEX]]`:
 *
 * - `7`: raise after step 7;
 * - `7:kill`: kill there;
 * - `7:kill@backward.1`: kill in step 7, after the backward pass of its second micro-batch;
 * - `7:preempt=usr1@forward`: raise SIGUSR1 there; without a name it is SIGTERM;
 * - `8:kill-in-save=3`: kill before the third storage operation of the save of step 8; without a number it is the
 *   first;
 * - `8:preempt@save.3`: SIGTERM there.
 *
 * KIND and PHASE are the names of [enum@Sng.InterruptKind] and
 * [enum@Sng.Phase]. INDEX is that of a micro-batch, from 0, or in the phase `save` the number of an
 * operation, from 1.
 *
 * Where the text is no interrupt, the error is %SNG_ERROR_INVALID_ARGUMENT; it quotes the text and says what is wrong.
 *
 * Returns: (transfer full): the interrupt, or %NULL with @error set
 *
 * Since: 1.0
 */
SngInterrupt *
sng_interrupt_from_string (const char *text, GError **error)
{
  g_autofree char *copy = NULL;
  SngInterrupt *self;
  Parts parts;

  g_return_val_if_fail (text != NULL, NULL);

  copy = g_strdup (text);
  split (copy, &parts);
  self = parse (&parts, error);

  if (self == NULL)
    g_prefix_error (error, "[interrupt] \"%s\": ", text);

  return self;
}
