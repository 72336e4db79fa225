/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "nn/sng-transformer.h"
#include "nn/sng-transformer-config-private.h"
#include "tensor/sng-device-math-private.h"
#include "train/sng-esm2-alphabet-private.h"
#include "train/sng-rng-stream.h"

G_BEGIN_DECLS

#define SNG_NO_OFFSET G_MAXSIZE

#define SNG_ROTARY_BASE        10000.0
#define SNG_ROTARY_FREQUENCIES "esm.rotary_embeddings.inv_freq"

/* Offsets, in elements, into the flat buffers of parameters and of their gradients. */
typedef struct
{
  gsize weight;
  gsize bias;
} SngAffine;

typedef struct
{
  SngAffine norm1;
  SngAffine qkv; /* query, key, value behind each other */
  SngAffine projection;
  SngAffine norm2;
  SngAffine up;
  SngAffine down;
} SngBlockParameters;

typedef struct
{
  gsize               words;     /* also the weight of the decoder */
  gsize               positions; /* GPT */
  SngBlockParameters *blocks;
  SngAffine           final_norm;
  SngAffine           dense; /* from here on ESM-2 */
  SngAffine           head_norm;
  gsize               decoder_bias;
} SngTransformerParameters;

/* Offsets, in bytes, into the arena: what forward computes and keeps. */
typedef struct
{
  gsize input;
  gsize norm1, mean1, rstd1;
  gsize qkv, context, log_sum_exp;
  gsize middle; /* the residual stream between attention and feed-forward */
  gsize norm2, mean2, rstd2;
  gsize up, gelu;
} SngBlockActivations;

typedef struct
{
  gsize                cosine, sine; /* ESM-2 */
  SngBlockActivations *blocks;
  gsize                last; /* the residual stream behind the last block */
  gsize                final_norm, final_mean, final_rstd;
  gsize                dense, gelu; /* ESM-2 */
  gsize                head_norm, head_mean, head_rstd;
  gsize                logits, log_sum_exp;

  gsize                d_hidden; /* the gradient of the residual stream */
  gsize                d_branch, d_norm, d_context, d_qkv, d_up;
  gsize                d_logits;
  gsize                d_gelu, d_dense; /* ESM-2 */
} SngTransformerActivations;

/* What a batch brings, each i64, and all of it goes to the device at once: the ordinal of its first sequence in the stream of
 * dropout, a place for what backward is given, the first row of each sequence, then this row by row, and last the factors on
 * ESM-2's embeddings. */
#define SNG_INPUT_ORDINAL    0
#define SNG_INPUT_D_LOSS     1 /* f64 */
#define SNG_INPUT_FIRST_ROWS 2

typedef enum
{
  SNG_INPUT_IDS,
  SNG_INPUT_LABELS,
  SNG_INPUT_MASK,
  SNG_INPUT_SEQUENCES,
  SNG_INPUT_TOKENS,
  SNG_INPUT_LOGIT_ROWS, /* where the row is with its batch's padding */
  SNG_N_INPUTS
} SngTransformerInput;

/* The batch of the last forward. */
typedef struct
{
  gsize    n_sequences;
  gsize    n_tokens;   /* of a sequence, with padding */
  gsize    n_rows;     /* of all sequences, without padding */
  gsize    max_tokens; /* of the longest sequence, without padding */
  gsize    n_targets;
  gboolean has_labels;
  gboolean has_mask; /* some token before a sequence's last visible one is hidden */
  gboolean training;
  gboolean has_activations; /* the arena holds what forward computed of this batch */
  gboolean can_go_back;
} SngTransformerBatch;

/* What the kernels that a pass launches depend on, beside what the device's memory holds: see SngDeviceClass.run. */
typedef struct
{
  guint64 plan; /* no two plans of memory have the same number */
  guint64 dropout_key;
  gsize   n_sequences;
  gsize   n_tokens;
  gsize   n_rows;
  gsize   max_tokens;
  guint32 has_labels;
  guint32 has_mask;
  guint32 training;
  guint32 backward;
} SngTransformerPass;

struct _SngTransformer
{
  SngModel parent_instance;

  SngTransformerConfig      *config;
  SngDevice                 *device;
  SngTransformerSettings     settings;
  const SngKernels          *kernels;

  GListStore                *parameters;
  SngTensor                 *values;    /* all parameters, flat */
  SngTensor                 *gradients; /* of those that are trained, flat, at the same offsets */
  SngTensor                 *operands;  /* the values rounded to operands, at the same offsets; NULL: they are operands */
  SngTransformerParameters   layout;

  guint64                    plan;  /* the number of the plan */
  SngTensor                 *arena; /* of reals, and of operands in between */
  SngTransformerActivations  activations;
  SngTensor                 *inputs; /* i64: see SngTransformerInput */
  SngTensor                 *losses; /* f64, by row */
  gint64                    *host_inputs;
  double                    *host_losses;

  SngRngStream              *dropout;
  SngTransformerBatch        batch;
};

/* One block, or what stands around the blocks, as the layers that it is made of: forward goes through them from the
 * first to the last, backward from the last to the first. */
typedef struct
{
  SngLayerNorm norm1;
  SngLinear    qkv;
  SngRotary    rotary; /* ESM-2 */
  SngAttention attention;
  SngLinear    projection; /* with the residual stream behind attention */
  SngLayerNorm norm2;
  SngLinear    up;   /* with GELU */
  SngLinear    down; /* with the residual stream behind the block */
} SngBlock;

typedef struct
{
  SngEmbedding    embedding;
  SngLayerNorm    final_norm;
  SngLinear       dense; /* the next three: ESM-2 */
  SngGelu         gelu;
  SngLayerNorm    head_norm;
  SngLinear       decoder;
  SngCrossEntropy cross_entropy;
  SngSpread       spread; /* of the logits */
} SngFrame;

/* sng-transformer-parameters.c */
gboolean sng_transformer_make_parameters (SngTransformer  *self,
                                          GError         **error);
/* Of a pair of elements in a head: radians a token. */
double   sng_transformer_rotary_frequency (SngTransformer  *self,
                                           gsize            pair);
char    *sng_transformer_dup_block_prefix (SngTransformer *self,
                                           guint           index);

/* sng-transformer-import.c */
SngStateDict *sng_transformer_import_weights (SngModel        *model,
                                              SngStateDict    *tensors,
                                              GError         **error);

/* sng-transformer-memory.c */

/* Plans for @kernels and goes over to them; on error nothing has changed. */
gboolean sng_transformer_plan_memory     (SngTransformer   *self,
                                          const SngKernels *kernels,
                                          GError          **error);

/* sng-transformer-layers.c */
void     sng_transformer_describe_block  (SngTransformer  *self,
                                          guint            index,
                                          SngBlock        *block);
void     sng_transformer_describe_frame  (SngTransformer  *self,
                                          SngFrame        *frame);

/* sng-transformer-batch.c */
gboolean sng_transformer_make_inputs     (SngTransformer  *self,
                                          GError         **error);
gboolean sng_transformer_load_batch      (SngTransformer  *self,
                                          SngStateDict    *batch,
                                          SngStage         stage,
                                          GError         **error);

/* sng-transformer-precision.c */
gboolean sng_transformer_set_precision    (SngModel        *model,
                                           SngPrecision     precision,
                                           GError         **error);
void     sng_transformer_refresh_operands (SngTransformer  *self);

/* sng-transformer-non-finite.c */
char *sng_transformer_find_non_finite    (SngModel        *model,
                                          GError         **error);

/* sng-transformer-forward.c */
SngStateDict *sng_transformer_forward    (SngModel        *model,
                                          SngStateDict    *batch,
                                          SngStage         stage,
                                          GError         **error);

gboolean      sng_transformer_run_pass   (SngTransformer  *self,
                                          SngDeviceFunc    func,
                                          gboolean         backward,
                                          GError         **error);

/* sng-transformer-backward.c */
gboolean sng_transformer_backward        (SngModel        *model,
                                          double           scale,
                                          GError         **error);

/* of a parameter or, in the other buffer, of its gradient */
static inline gpointer
sng_transformer_parameter (SngTensor *buffer,
                           gsize      offset)
{
  return (char *) sng_tensor_get_data (buffer) + offset * sng_dtype_get_size (sng_tensor_get_dtype (buffer));
}

static inline gpointer
sng_transformer_activation (SngTransformer *self,
                            gsize           offset)
{
  return (char *) sng_tensor_get_data (self->arena) + offset;
}

static inline gsize
sng_transformer_max_rows (SngTransformer *self)
{
  return (gsize) self->settings.max_batch_size * self->settings.max_length;
}

/* Where an input begins, in elements; SNG_N_INPUTS is the place of the factors on the embeddings. */
static inline gsize
sng_transformer_input_offset (SngTransformer      *self,
                              SngTransformerInput  input)
{
  return SNG_INPUT_FIRST_ROWS + self->batch.n_sequences + 1 + input * self->batch.n_rows;
}

static inline SngDeviceClass *
sng_transformer_device_class (SngTransformer *self)
{
  return G_TYPE_INSTANCE_GET_CLASS (self->device, SNG_TYPE_DEVICE, SngDeviceClass);
}

G_END_DECLS
