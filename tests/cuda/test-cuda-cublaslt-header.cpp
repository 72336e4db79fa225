/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Our declarations of cuBLASLt against NVIDIA's, where its header is: if this compiles, they agree. */

#include <type_traits>

#include <cublasLt.h>

#include "cuda/sng-cublaslt-private.h"

#define SAME_VALUE(name, value) static_assert ((int) SNG_##name == (int) name, #name);
SNG_CUBLASLT_VALUES (SAME_VALUE)

/* Numbers and pointers of the same sizes in the same order. */
template <typename, typename> struct IsSame : std::false_type
{
};

template <typename A, typename B>
static constexpr bool is_same_argument = sizeof (A) == sizeof (B)
                                         && std::is_pointer<A>::value == std::is_pointer<B>::value;

template <typename R, typename S, typename... A, typename... B> struct IsSame<R (*) (A...), S (*) (B...)>
{
  static constexpr bool
  compare ()
  {
    if constexpr (sizeof...(A) == sizeof...(B))
      return (is_same_argument<R, S> && ... && is_same_argument<A, B>);
    else
      return false;
  }

  static constexpr bool value = compare ();
};

#define SAME_FUNCTION(name, result, parameters)                                                              \
 static_assert (IsSame<decltype (SngCublaslt::name), decltype (&::name)>::value, #name);
SNG_CUBLASLT_FUNCTIONS (SAME_FUNCTION)

static_assert (sizeof (SngCublasltAlgorithm) == sizeof (cublasLtMatmulAlgo_t), "algorithm");
static_assert (sizeof (SngCublasltChoice) == sizeof (cublasLtMatmulHeuristicResult_t), "choice");
static_assert (offsetof (SngCublasltChoice, algorithm) == offsetof (cublasLtMatmulHeuristicResult_t, algo),
               "algo");
static_assert (offsetof (SngCublasltChoice, workspace_size)
                   == offsetof (cublasLtMatmulHeuristicResult_t, workspaceSize),
               "workspaceSize");
static_assert (offsetof (SngCublasltChoice, state) == offsetof (cublasLtMatmulHeuristicResult_t, state),
               "state");

/* Negative: the comparison sees what differs. */
static_assert (!IsSame<int (*) (int), int (*) (gpointer)>::value, "a pointer is no number");
static_assert (!IsSame<int (*) (int), int (*) (int, int)>::value, "one is not two");
static_assert (!IsSame<int (*) (gint64), int (*) (int)>::value, "long is not short");

int
main ()
{
  g_print ("1..1\nok 1 /sng/cuda-cublaslt-header\n");
  return 0;
}
