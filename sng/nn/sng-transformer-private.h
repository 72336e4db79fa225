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

/* Offsets, in elements, into the arena: what forward computes and keeps. */
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
  gsize                row_scale;    /* ESM-2 */
  SngBlockActivations *blocks;
  gsize                last; /* the residual stream behind the last block */
  gsize                final_norm, final_mean, final_rstd;
  gsize                dense, gelu; /* ESM-2 */
  gsize                head_norm, head_mean, head_rstd;
  gsize                logits, log_sum_exp;
  gsize                branch; /* the output of a branch before it joins the residual stream */

  gsize                d_hidden; /* the gradient of the residual stream */
  gsize                d_branch, d_norm, d_qkv, d_up, d_logits;
} SngTransformerActivations;

/* The batch of the last forward. */
typedef struct
{
  gsize    n_sequences;
  gsize    n_tokens; /* of a sequence, with padding */
  gsize    n_targets;
  gboolean has_labels;
  gboolean has_mask; /* some sequence is masked in another way than at its end */
  gboolean training;
  guint64  first_ordinal; /* in the dropout stream */
  gboolean can_go_back;
} SngTransformerBatch;

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
  SngTransformerParameters   layout;

  SngTensor                 *arena;
  SngTransformerActivations  activations;
  SngTensor                 *indices; /* i64: ids, labels, mask, number of keys */
  SngTensor                 *losses;  /* f64, by row */
  gint64                    *host_indices;
  gpointer                   host_row_scale;
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
  SngLinear    projection;
  SngResidual  attention_residual;
  SngLayerNorm norm2;
  SngLinear    up;
  SngGelu      gelu;
  SngLinear    down;
  SngResidual  ffn_residual;
} SngBlock;

typedef struct
{
  SngEmbedding    embedding;
  SngResidual     embedding_dropout; /* GPT */
  SngLayerNorm    final_norm;
  SngLinear       dense; /* the next three: ESM-2 */
  SngGelu         gelu;
  SngLayerNorm    head_norm;
  SngLinear       decoder;
  SngCrossEntropy cross_entropy;
} SngFrame;

/* sng-transformer-parameters.c */
gboolean sng_transformer_make_parameters (SngTransformer  *self,
                                          GError         **error);
/* Of a pair of elements in a head: radians a token. */
double   sng_transformer_rotary_frequency (SngTransformer  *self,
                                           gsize            pair);

/* sng-transformer-import.c */
SngStateDict *sng_transformer_import_weights (SngModel        *model,
                                              SngStateDict    *tensors,
                                              GError         **error);

/* sng-transformer-layers.c */
gboolean sng_transformer_plan_memory     (SngTransformer  *self,
                                          GError         **error);
void     sng_transformer_describe_block  (SngTransformer  *self,
                                          guint            index,
                                          SngBlock        *block);
void     sng_transformer_describe_frame  (SngTransformer  *self,
                                          SngFrame        *frame);

/* sng-transformer-batch.c */
gboolean sng_transformer_load_batch      (SngTransformer  *self,
                                          SngStateDict    *batch,
                                          SngStage         stage,
                                          GError         **error);

/* sng-transformer-forward.c */
SngStateDict *sng_transformer_forward    (SngModel        *model,
                                          SngStateDict    *batch,
                                          SngStage         stage,
                                          GError         **error);

/* sng-transformer-backward.c */
gboolean sng_transformer_backward        (SngModel        *model,
                                          double           scale,
                                          GError         **error);

static inline gpointer
sng_transformer_address (SngTransformer *self,
                         SngTensor      *buffer,
                         gsize           offset)
{
  return (char *) sng_tensor_get_data (buffer) + offset * sng_dtype_get_size (self->settings.dtype);
}

static inline gsize
sng_transformer_max_rows (SngTransformer *self)
{
  return (gsize) self->settings.max_batch_size * self->settings.max_length;
}

static inline SngDeviceClass *
sng_transformer_device_class (SngTransformer *self)
{
  return G_TYPE_INSTANCE_GET_CLASS (self->device, SNG_TYPE_DEVICE, SngDeviceClass);
}

G_END_DECLS
