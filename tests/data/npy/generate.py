#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the files beside it with NumPy, whose format it is: generate.py"""

import pathlib

import numpy

HERE = pathlib.Path(__file__).parent
MATRIX = numpy.arange(6, dtype="<f4").reshape(2, 3) / 7


def save(name, array, version=None):
    with open(HERE / f"{name}.npy", "wb") as file:
        numpy.lib.format.write_array(file, array, version=version)


for number in (1, 2, 3):
    save(f"matrix-{number}", MATRIX, (number, 0))
save("matrix-fortran", numpy.asfortranarray(MATRIX))
save("matrix-big-endian", MATRIX.astype(">f4"))
save("scalar", numpy.array(7, dtype="<i8"))
save("empty", numpy.zeros((3, 0, 2), dtype="?"))
save("complex", numpy.array([1 + 2j, 3 - 4j], dtype="<c8"))
save("objects", numpy.array([{"a": 1}, None], dtype=object))
save("structured", numpy.zeros(2, dtype=[("a", "<i4"), ("b", "<f8")]))
