/*
 * SPDX-FileCopyrightText: 2026 The libsng contributors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "tensor/sng-fingerprint-private.h"

G_BEGIN_DECLS

/* The fingerprint of a block of 4096 bytes, and its summary, cut up for the lanes of a GPU: plain C that the kernel and the tests
 * share.
 *
 * XXH3-128, from its specification. A block is 64 stripes of 8 words of 64 bits. There are 8 accumulators, of which word i of each
 * stripe changes only i and the one beside it, i xor 1. So the words 2 q and 2 q + 1 and their accumulators are the matter of
 * one lane q = 0 … 3 of a quad, which needs the others only at the end. 16 stripes are a round; between rounds the accumulators are
 * scrambled. Seed 0, so the secret is the default one, and all that is read of it is in a table of keys. */

#define SNG_HASH_LANES 4 /* of a quad, which hashes a block together */
#define SNG_HASH_ROUND_STRIPES 16
#define SNG_HASH_ROUNDS (SNG_FINGERPRINT_BLOCK_SIZE / 64 / SNG_HASH_ROUND_STRIPES)

/* Words of the table, each part [… ][8]. Stripe i of a round has the secret from word i on. The block's last stripe, the scramble
 * and the two halves of the end have other places. */
enum
{
  SNG_HASH_KEYS_STRIPE = 0,
  SNG_HASH_KEYS_LAST = SNG_HASH_KEYS_STRIPE + SNG_HASH_ROUND_STRIPES * 8,
  SNG_HASH_KEYS_SCRAMBLE = SNG_HASH_KEYS_LAST + 8,
  SNG_HASH_KEYS_LOW = SNG_HASH_KEYS_SCRAMBLE + 8,
  SNG_HASH_KEYS_HIGH = SNG_HASH_KEYS_LOW + 8,
  SNG_HASH_N_KEYS = SNG_HASH_KEYS_HIGH + 8
};

/* The kernels' compiler makes the table. */
#ifdef __cplusplus
# define SNG_HASH_CONSTEXPR constexpr
#else
# define SNG_HASH_CONSTEXPR
#endif

/* Of the secret of 192 bytes, the 64 bits that begin at a byte. */
static inline SNG_HASH_CONSTEXPR guint64
sng_hash_secret (guint byte)
{
  const guint64 secret[] = {
    0xbe4ba423396cfeb8u, 0x1cad21f72c81017cu, 0xdb979083e96dd4deu, 0x1f67b3b7a4a44072u, 0x78e5c0cc4ee679cbu, 0x2172ffcc7dd05a82u,
    0x8e2443f7744608b8u, 0x4c263a81e69035e0u, 0xcb00c391bb52283cu, 0xa32e531b8b65d088u, 0x4ef90da297486471u, 0xd8acdea946ef1938u,
    0x3f349ce33f76faa8u, 0x1d4f0bc7c7bbdcf9u, 0x3159b4cd4be0518au, 0x647378d9c97e9fc8u, 0xc3ebd33483acc5eau, 0xeb6313faffa081c5u,
    0x49daf0b751dd0d17u, 0x9e68d429265516d3u, 0xfca1477d58be162bu, 0xce31d07ad1b8f88fu, 0x280416958f3acb45u, 0x7e404bbbcafbd7afu,
  };
  guint word = byte / 8, shift = byte % 8 * 8;

  return shift == 0 ? secret[word] : secret[word] >> shift | secret[word + 1] << (64 - shift);
}

/* The key i of the table. */
static inline SNG_HASH_CONSTEXPR guint64
sng_hash_key (guint i)
{
  guint word = i % 8 * 8;

  if (i < SNG_HASH_KEYS_LAST)
    return sng_hash_secret (i / 8 * 8 + word);
  if (i < SNG_HASH_KEYS_SCRAMBLE)
    return sng_hash_secret (192 - 64 - 7 + word);
  if (i < SNG_HASH_KEYS_LOW)
    return sng_hash_secret (192 - 64 + word);
  if (i < SNG_HASH_KEYS_HIGH)
    return sng_hash_secret (11 + word);
  return sng_hash_secret (192 - 64 - 11 + word);
}

/* The primes of XXH32 and XXH64. */
#define SNG_HASH_PRIME32_1 0x9E3779B1u
#define SNG_HASH_PRIME32_2 0x85EBCA77u
#define SNG_HASH_PRIME32_3 0xC2B2AE3Du
#define SNG_HASH_PRIME64_1 0x9E3779B185EBCA87u
#define SNG_HASH_PRIME64_2 0xC2B2AE3D27D4EB4Fu
#define SNG_HASH_PRIME64_3 0x165667B19E3779F9u
#define SNG_HASH_PRIME64_4 0x85EBCA77C2B2AE63u
#define SNG_HASH_PRIME64_5 0x27D4EB2F165667C5u

/* A lane's two accumulators. */
typedef struct
{
  guint64 even;
  guint64 odd;
} SngHashLane;

static inline SNG_DEVICE_FUNC SngHashLane
sng_hash_lane_begin (guint lane)
{
  SngHashLane self;

  self.even = lane == 0   ? SNG_HASH_PRIME32_3
              : lane == 1 ? SNG_HASH_PRIME64_2
              : lane == 2 ? SNG_HASH_PRIME64_4
                          : SNG_HASH_PRIME64_5;
  self.odd = lane == 0   ? SNG_HASH_PRIME64_1
             : lane == 1 ? SNG_HASH_PRIME64_3
             : lane == 2 ? SNG_HASH_PRIME32_2
                         : SNG_HASH_PRIME32_1;
  return self;
}

/* The product of a word's halves. */
static inline SNG_DEVICE_FUNC guint64
sng_hash_multiply_halves (guint64 word)
{
  return (guint64) (guint32) word * (guint32) (word >> 32);
}

/* The lane's two words of a stripe, and their keys. */
static inline SNG_DEVICE_FUNC void
sng_hash_lane_add (SngHashLane *self,
                   guint64      even,
                   guint64      odd,
                   guint64      even_key,
                   guint64      odd_key)
{
  self->even += odd + sng_hash_multiply_halves (even ^ even_key);
  self->odd += even + sng_hash_multiply_halves (odd ^ odd_key);
}

static inline SNG_DEVICE_FUNC guint64
sng_hash_scramble (guint64 accumulator,
                   guint64 key)
{
  return (accumulator ^ accumulator >> 47 ^ key) * SNG_HASH_PRIME32_1;
}

/* After each round but the last. */
static inline SNG_DEVICE_FUNC void
sng_hash_lane_scramble (SngHashLane *self,
                        guint64      even_key,
                        guint64      odd_key)
{
  self->even = sng_hash_scramble (self->even, even_key);
  self->odd = sng_hash_scramble (self->odd, odd_key);
}

static inline SNG_DEVICE_FUNC guint64
sng_hash_multiply_high (guint64 a,
                        guint64 b)
{
#ifdef __CUDA_ARCH__
  return __umul64hi (a, b);
#else
  return (guint64) ((unsigned __int128) a * b >> 64);
#endif
}

/* What a lane has for the sum of the lower half of the hash, with the keys of SNG_HASH_KEYS_LOW, or of the higher half. */
static inline SNG_DEVICE_FUNC guint64
sng_hash_lane_end (const SngHashLane *self,
                   guint64            even_key,
                   guint64            odd_key)
{
  guint64 a = self->even ^ even_key, b = self->odd ^ odd_key;

  return a * b ^ sng_hash_multiply_high (a, b);
}

static inline SNG_DEVICE_FUNC guint64
sng_hash_avalanche (guint64 x)
{
  x ^= x >> 37;
  x *= 0x165667919E3779F9u;
  return x ^ x >> 32;
}

/* The halves of the hash, from the sums over the quad. */
static inline SNG_DEVICE_FUNC guint64
sng_hash_finish_low (guint64 sum)
{
  return sng_hash_avalanche (sum + SNG_FINGERPRINT_BLOCK_SIZE * SNG_HASH_PRIME64_1);
}

static inline SNG_DEVICE_FUNC guint64
sng_hash_finish_high (guint64 sum)
{
  return sng_hash_avalanche (sum + ~(SNG_FINGERPRINT_BLOCK_SIZE * SNG_HASH_PRIME64_2));
}

G_END_DECLS
