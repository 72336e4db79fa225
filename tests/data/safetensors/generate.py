#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the reference files beside it with the format's own implementation
(pip install safetensors torch).  Byte j of every tensor is 37 j + 11, or j's
last bit where the dtype is bool; test-safetensors.c builds the same tensors."""

import math
import pathlib

import torch
from safetensors.torch import save_file

DTYPES = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16,
          "i64": torch.int64, "i32": torch.int32, "i16": torch.int16, "i8": torch.int8,
          "u8": torch.uint8, "bool": torch.bool, "u16": torch.uint16, "u32": torch.uint32,
          "u64": torch.uint64, "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2,
          "f8_e8m0": torch.float8_e8m0fnu, "f8_e4m3fnuz": torch.float8_e4m3fnuz,
          "f8_e5m2fnuz": torch.float8_e5m2fnuz, "c64": torch.complex64}


def make(dtype, *shape):
    size = math.prod(shape) * torch.empty(0, dtype=DTYPES[dtype]).element_size()
    if size == 0:
        return torch.empty(shape, dtype=DTYPES[dtype])
    data = bytearray(j & 1 if dtype == "bool" else (37 * j + 11) & 255 for j in range(size))
    return torch.frombuffer(data, dtype=DTYPES[dtype]).reshape(shape)


FILES = {
    "dtypes": ({name: make(name, 2, 3) for name in DTYPES}, {"format": "pt"}),
    "shapes": ({"scalar": make("f32"), "empty": make("f32", 0), "hollow": make("i16", 2, 0, 3),
                "one": make("bool", 1), "deep": make("u8", 1, 2, 1, 2, 1, 2, 1, 2)}, None),
    "names": ({name: make("i8", 1) for name in
               ("b", "a", "B", "a.b", "a10", "a2", 'quote"back\\slash/', "\b\t\n\v\f\r\x01\x1f\x7f",
                "Größe", "日本", "𝄞")}, {"schlüssel": 'a "b"\n'}),
    "none": ({}, None),
}

for name, (tensors, metadata) in FILES.items():
    save_file(tensors, pathlib.Path(__file__).with_name(name + ".safetensors"), metadata)
