/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cuda/sng-cuda-blas-private.h"

#include <string.h>

#include "sng-error.h"
#include "tensor/sng-device-private.h"

#define PLACE "[cuda][linear]"

/* What NVIDIA recommends for Hopper and later, and more than it does for those before. */
#define LARGE_WORKSPACE (32u << 20)
#define SMALL_WORKSPACE (8u << 20)

/* A larger alignment than what a load of 16 bytes needs makes no way faster. Where an address happens to be better than that,
 * it must not lead to another way. */
#define ALIGNMENT 16

/* All on which the way of a product may depend. Strides follow from the shape. Without padding, so it is compared as bytes. */
typedef struct
{
  guint64 m;
  guint64 n;
  guint64 k;
  guint32 operand;
  guint32 real;
  guint32 a_transposed;
  guint32 b_transposed;
  guint32 has_addend;
  guint32 has_bias;
  guint32 a_alignment;
  guint32 b_alignment;
  guint32 addend_alignment;
  guint32 result_alignment;
} Key;

typedef struct
{
  Key key;
  gboolean is_possible;
  gpointer operation;
  gpointer a, b, result; /* layouts */
  SngCublasltAlgorithm algorithm;
} Way;

struct _SngCudaBlas
{
  gsize workspace_size;

  GMutex mutex; /* for what follows */
  SngCublaslt library;
  gboolean is_open;
  gpointer handle;
  GHashTable *ways; /* of Way, by their keys */
};

static guint
key_hash (gconstpointer key)
{
  const guint32 *words = key;
  guint hash = 0;

  for (gsize i = 0; i < sizeof (Key) / sizeof (guint32); i++)
    hash = hash * 31 + words[i];
  return hash;
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (Key)) == 0;
}

static guint32
alignment_of (gconstpointer data)
{
  gsize address = (gsize) data | ALIGNMENT;

  return (guint32) (address & -address);
}

static Key
key_init (const SngCudaProduct *product)
{
  return (Key){
    .m = product->m,
    .n = product->n,
    .k = product->k,
    .operand = product->operand,
    .real = product->real,
    .a_transposed = product->a_transposed != FALSE,
    .b_transposed = product->b_transposed != FALSE,
    .has_addend = product->addend != NULL,
    .has_bias = product->bias != NULL,
    .a_alignment = alignment_of (product->a),
    .b_alignment = alignment_of (product->b),
    .addend_alignment = alignment_of (product->addend != NULL ? product->addend : product->result),
    .result_alignment = alignment_of (product->result),
  };
}

static const char *
dtype_name (guint32 dtype)
{
  return dtype == SNG_DTYPE_F32 ? "f32" : dtype == SNG_DTYPE_BF16 ? "bf16" : "f16";
}

static int
cuda_type (guint32 dtype)
{
  return dtype == SNG_DTYPE_F32 ? SNG_CUDA_R_32F : dtype == SNG_DTYPE_BF16 ? SNG_CUDA_R_16BF : SNG_CUDA_R_16F;
}

/* All that the key has, so two keys have two texts. Alignments are told where one is less than usual: of a, b, addend, result. */
static char *
key_to_string (const Key *key)
{
  gboolean is_aligned =
      MIN (MIN (key->a_alignment, key->b_alignment), MIN (key->addend_alignment, key->result_alignment))
      == ALIGNMENT;
  g_autofree char *alignments =
      is_aligned ? g_strdup ("")
                 : g_strdup_printf (" aligned %u,%u,%u,%u", key->a_alignment, key->b_alignment,
                                    key->addend_alignment, key->result_alignment);

  return g_strdup_printf (
      "%" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT " %s%s %s%s%s%s%s%s", key->m, key->n,
      key->k, key->a_transposed ? "t" : "n", key->b_transposed ? "t" : "n", dtype_name (key->operand),
      key->real != key->operand ? " to " : "", key->real != key->operand ? dtype_name (key->real) : "",
      key->has_addend ? " added" : "", key->has_bias ? " bias" : "", alignments);
}

static gboolean
check (SngCudaBlas *self, int status, const char *function, const Key *key, GError **error)
{
  g_autofree char *product = NULL;

  if (status == SNG_CUBLAS_STATUS_SUCCESS)
    return TRUE;
  product = key != NULL ? key_to_string (key) : NULL;
  g_set_error (error, SNG_ERROR, SNG_ERROR_FAILED, PLACE " %s: %s%s%s%s", function,
               self->library.cublasLtGetStatusName (status), product != NULL ? " (" : "",
               product != NULL ? product : "", product != NULL ? ")" : "");
  return FALSE;
}

static void
way_clear (SngCudaBlas *self, Way *way)
{
  if (way->operation != NULL)
    self->library.cublasLtMatmulDescDestroy (way->operation);
  if (way->a != NULL)
    self->library.cublasLtMatrixLayoutDestroy (way->a);
  if (way->b != NULL)
    self->library.cublasLtMatrixLayoutDestroy (way->b);
  if (way->result != NULL)
    self->library.cublasLtMatrixLayoutDestroy (way->result);
  g_free (way);
}

SngCudaBlas *
sng_cuda_blas_new (int compute_capability_major, const SngCublaslt *library)
{
  SngCudaBlas *self = g_new0 (SngCudaBlas, 1);

  g_mutex_init (&self->mutex);
  self->workspace_size = compute_capability_major >= 9 ? LARGE_WORKSPACE : SMALL_WORKSPACE;
  self->ways = g_hash_table_new (key_hash, key_equal);
  if (library != NULL)
    {
      self->library = *library;
      self->is_open = TRUE;
    }
  return self;
}

void
sng_cuda_blas_free (SngCudaBlas *self)
{
  GHashTableIter iter;
  gpointer way;

  g_hash_table_iter_init (&iter, self->ways);
  while (g_hash_table_iter_next (&iter, NULL, &way))
    way_clear (self, way);
  g_hash_table_unref (self->ways);
  if (self->handle != NULL)
    self->library.cublasLtDestroy (self->handle);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

gsize
sng_cuda_blas_get_workspace_size (SngCudaBlas *self)
{
  return self->workspace_size;
}

static gboolean
find_library (SngCublaslt *library, GError **error)
{
#ifdef SNG_CUDA_BLAS_LIBRARY
  static const char *const names[] = { SNG_CUDA_BLAS_LIBRARY, NULL };

  return sng_cublaslt_open (library, names, error);
#else
  g_auto (GStrv) names = sng_cublaslt_list_names (CUDART_VERSION);

  return sng_cublaslt_open (library, (const char *const *) names, error);
#endif
}

static gboolean
open_library (SngCudaBlas *self, GError **error)
{
  if (!self->is_open && !find_library (&self->library, error))
    return FALSE;
  self->is_open = TRUE;
  return self->handle != NULL
         || check (self, self->library.cublasLtCreate (&self->handle), "cublasLtCreate", NULL, error);
}

/* A row-major matrix is a column-major one that is transposed, so cuBLASLt gets result^T = op (b)^T op (a)^T. */

static gboolean
make_layout (SngCudaBlas *self,
             gpointer *layout,
             guint32 dtype,
             guint64 n_rows,
             guint64 n_columns,
             const Key *key,
             GError **error)
{
  return check (self,
                self->library.cublasLtMatrixLayoutCreate (layout, cuda_type (dtype), n_columns, n_rows,
                                                          (gint64) n_columns),
                "cublasLtMatrixLayoutCreate", key, error);
}

static gboolean
make_layouts (SngCudaBlas *self, Way *way, GError **error)
{
  const Key *key = &way->key;

  return make_layout (self, &way->a, key->operand, key->a_transposed ? key->k : key->m,
                      key->a_transposed ? key->m : key->k, key, error)
         && make_layout (self, &way->b, key->operand, key->b_transposed ? key->n : key->k,
                         key->b_transposed ? key->k : key->n, key, error)
         && make_layout (self, &way->result, key->real, key->m, key->n, key, error);
}

static gboolean
set_operation (SngCudaBlas *self, Way *way, int attribute, gconstpointer value, gsize size, GError **error)
{
  return check (self, self->library.cublasLtMatmulDescSetAttribute (way->operation, attribute, value, size),
                "cublasLtMatmulDescSetAttribute", &way->key, error);
}

static gboolean
make_operation (SngCudaBlas *self, Way *way, GError **error)
{
  const Key *key = &way->key;
  gint32 transposed_first = key->b_transposed ? SNG_CUBLAS_OP_T : SNG_CUBLAS_OP_N;
  gint32 transposed_second = key->a_transposed ? SNG_CUBLAS_OP_T : SNG_CUBLAS_OP_N;
  guint32 epilogue = key->has_bias ? SNG_CUBLASLT_EPILOGUE_BIAS : SNG_CUBLASLT_EPILOGUE_DEFAULT;
  /* Nobody reads it before there is a real one; its alignment counts. */
  gconstpointer any_bias = GSIZE_TO_POINTER (ALIGNMENT);

  return check (
             self,
             self->library.cublasLtMatmulDescCreate (&way->operation, SNG_CUBLAS_COMPUTE_32F, SNG_CUDA_R_32F),
             "cublasLtMatmulDescCreate", key, error)
         && set_operation (self, way, SNG_CUBLASLT_MATMUL_DESC_TRANSA, &transposed_first, sizeof (gint32),
                           error)
         && set_operation (self, way, SNG_CUBLASLT_MATMUL_DESC_TRANSB, &transposed_second, sizeof (gint32),
                           error)
         && set_operation (self, way, SNG_CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof (guint32), error)
         && (!key->has_bias
             || set_operation (self, way, SNG_CUBLASLT_MATMUL_DESC_BIAS_POINTER, &any_bias, sizeof (gpointer),
                               error));
}

/* What a way must keep to: our workspace, the alignment of the matrices, and sums in a fixed order. That is one sequence, or
 * the parts of a split sum in the workspace, added up by a second kernel in their order and in the type of the sums. The
 * gradient of a small layer's weight needs that: it has few tiles, each a sum over all rows. How a sum is split may follow the
 * number of multiprocessors, as the library's choice does anyway; so that is in the description of the device. */
static gboolean
set_preferences (SngCudaBlas *self, gpointer preference, const Key *key, GError **error)
{
  guint64 workspace_size = self->workspace_size;
  guint32 reductions = SNG_CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  const struct
  {
    int attribute;
    gconstpointer value;
    gsize size;
  } preferences[] = {
    { SNG_CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_size, sizeof workspace_size },
    { SNG_CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions, sizeof reductions },
    { SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &key->b_alignment, sizeof (guint32) },
    { SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &key->a_alignment, sizeof (guint32) },
    { SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &key->addend_alignment, sizeof (guint32) },
    { SNG_CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &key->result_alignment, sizeof (guint32) },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (preferences); i++)
    if (!check (self,
                self->library.cublasLtMatmulPreferenceSetAttribute (
                    preference, preferences[i].attribute, preferences[i].value, preferences[i].size),
                "cublasLtMatmulPreferenceSetAttribute", key, error))
      return FALSE;
  return TRUE;
}

/* The first is the one that the library holds for the fastest. */
static gboolean
choose (SngCudaBlas *self, Way *way, GError **error)
{
  SngCublasltChoice choice = { 0 };
  gpointer preference = NULL;
  int n_choices = 0, status;

  if (!check (self, self->library.cublasLtMatmulPreferenceCreate (&preference),
              "cublasLtMatmulPreferenceCreate", &way->key, error))
    return FALSE;
  if (!set_preferences (self, preference, &way->key, error))
    {
      self->library.cublasLtMatmulPreferenceDestroy (preference);
      return FALSE;
    }
  status =
      self->library.cublasLtMatmulAlgoGetHeuristic (self->handle, way->operation, way->b, way->a, way->result,
                                                    way->result, preference, 1, &choice, &n_choices);
  self->library.cublasLtMatmulPreferenceDestroy (preference);

  way->is_possible = status == SNG_CUBLAS_STATUS_SUCCESS && n_choices > 0;
  if (status == SNG_CUBLAS_STATUS_NOT_SUPPORTED || (status == SNG_CUBLAS_STATUS_SUCCESS && n_choices == 0))
    return TRUE;
  if (!check (self, status, "cublasLtMatmulAlgoGetHeuristic", &way->key, error)
      || !check (self, choice.state, "cublasLtMatmulAlgoGetHeuristic", &way->key, error))
    return FALSE;
  way->algorithm = choice.algorithm;
  return TRUE;
}

/* Decides how such products are computed, unless that is decided; NULL with an error. */
static Way *
find_way (SngCudaBlas *self, const Key *key, GError **error)
{
  Way *way = g_hash_table_lookup (self->ways, key);

  if (way != NULL)
    return way;

  way = g_new0 (Way, 1);
  way->key = *key;
  if (!make_layouts (self, way, error) || !make_operation (self, way, error) || !choose (self, way, error))
    {
      way_clear (self, way);
      return NULL;
    }
  g_hash_table_insert (self->ways, &way->key, way);
  if (!way->is_possible)
    {
      g_autofree char *product = key_to_string (key);

      g_debug ("[cuda][product] cuBLASLt has no way for %s, a plain kernel computes it", product);
    }
  return way;
}

static SngCudaBlasResult
multiply (SngCudaBlas *self,
          const SngCudaProduct *product,
          gpointer workspace,
          cudaStream_t stream,
          GError **error)
{
  const float one = 1, beta = product->addend != NULL ? 1 : 0;
  Key key = key_init (product);
  Way *way;

  if (!open_library (self, error) || (way = find_way (self, &key, error)) == NULL)
    return SNG_CUDA_BLAS_FAILED;
  if (!way->is_possible)
    return SNG_CUDA_BLAS_NO_WAY;

  if (product->bias != NULL
      && !set_operation (self, way, SNG_CUBLASLT_MATMUL_DESC_BIAS_POINTER, &product->bias, sizeof (gpointer),
                         error))
    return SNG_CUDA_BLAS_FAILED;
  return check (self,
                self->library.cublasLtMatmul (
                    self->handle, way->operation, &one, product->b, way->b, product->a, way->a, &beta,
                    product->addend != NULL ? product->addend : product->result, way->result, product->result,
                    way->result, &way->algorithm, workspace, self->workspace_size, stream),
                "cublasLtMatmul", &key, error)
             ? SNG_CUDA_BLAS_DONE
             : SNG_CUDA_BLAS_FAILED;
}

SngCudaBlasResult
sng_cuda_blas_multiply (SngCudaBlas *self,
                        const SngCudaProduct *product,
                        gpointer workspace,
                        cudaStream_t stream,
                        GError **error)
{
  /* The pointer to the bias is part of the operation, which is shared. */
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  return multiply (self, product, workspace, stream, error);
}

/* A description never fails: what cannot be read is left out. So is 0 but for the number, which says that nothing was set. */
static char *
way_to_string (SngCudaBlas *self, const Way *way)
{
  static const struct
  {
    const char *name;
    int attribute;
    gsize size;
  } attributes[] = {
    { "algorithm", SNG_CUBLASLT_ALGO_CONFIG_ID, sizeof (guint32) },
    { "tile", SNG_CUBLASLT_ALGO_CONFIG_TILE_ID, sizeof (guint32) },
    { "stages", SNG_CUBLASLT_ALGO_CONFIG_STAGES_ID, sizeof (guint32) },
    { "split", SNG_CUBLASLT_ALGO_CONFIG_SPLITK_NUM, sizeof (guint32) },
    { "reduction", SNG_CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, sizeof (guint32) },
    { "swizzling", SNG_CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING, sizeof (guint32) },
    { "option", SNG_CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION, sizeof (guint32) },
    { "inner-shape", SNG_CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID, sizeof (guint16) },
    { "cluster-shape", SNG_CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID, sizeof (guint16) },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  if (!way->is_possible)
    return g_strdup ("none, a kernel of libsng");

  for (gsize i = 0; i < G_N_ELEMENTS (attributes); i++)
    {
      union
      {
        guint16 small;
        guint32 large;
      } value = { 0 };
      int status = self->library.cublasLtMatmulAlgoConfigGetAttribute (
          &way->algorithm, attributes[i].attribute, &value, attributes[i].size, NULL);
      guint32 number = attributes[i].size == sizeof value.small ? value.small : value.large;

      if (status == SNG_CUBLAS_STATUS_SUCCESS
          && (number != 0 || attributes[i].attribute == SNG_CUBLASLT_ALGO_CONFIG_ID))
        g_string_append_printf (text, "%s%s %u", text->len > 0 ? " " : "", attributes[i].name, number);
    }
  return text->len > 0 ? g_strdup (text->str) : NULL;
}

static void
describe_ways (SngCudaBlas *self, GVariantBuilder *builder)
{
  GHashTableIter iter;
  gpointer way;

  g_hash_table_iter_init (&iter, self->ways);
  while (g_hash_table_iter_next (&iter, NULL, &way))
    {
      g_autofree char *product = key_to_string (&((const Way *) way)->key);
      g_autofree char *key = g_strconcat (SNG_DEVICE_CHOICE, product, NULL);
      g_autofree char *text = way_to_string (self, way);

      if (text != NULL)
        g_variant_builder_add (builder, "{ss}", key, text);
    }
}

/* How ways are chosen, and all on which the choice depends beside the product: the version, the workspace and, from the device,
 * the GPU. Then the ways. */
void
sng_cuda_blas_describe (SngCudaBlas *self, GVariantBuilder *builder)
{
  /* Those of cuBLAS that let sums in f32 be less than that, in spite of what we ask for. */
  static const char *const settings[] = {
    "NVIDIA_TF32_OVERRIDE",
    "CUBLAS_EMULATE_SINGLE_PRECISION",
    "CUBLAS_EMULATION_STRATEGY",
  };
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&self->mutex);

  if (open_library (self, NULL))
    {
      g_autofree char *version = g_strdup_printf ("%" G_GSIZE_FORMAT, self->library.cublasLtGetVersion ());

      g_autofree char *choice =
          g_strdup_printf ("heuristic in %" G_GSIZE_FORMAT " MiB", self->workspace_size >> 20);

      g_variant_builder_add (builder, "{ss}", "cublaslt", version);
      g_variant_builder_add (builder, "{ss}", "cublaslt-algorithms", choice);
      describe_ways (self, builder);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    if (g_getenv (settings[i]) != NULL)
      g_variant_builder_add (builder, "{ss}", settings[i], g_getenv (settings[i]));
}
