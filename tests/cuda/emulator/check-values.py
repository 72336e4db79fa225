#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the emulator's headers against NVIDIA's, where these are installed:
check-values.py CC FOLDER.  Every value becomes an assertion and every function
a second declaration in a C file that includes NVIDIA's header.  CUDA_HOME is
where it is looked for first.  Prints TAP."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

# In ours only.
OUR_OWN = re.compile(r"^SNG_|^CUDART_VERSION$|^CUBLAS_VER_")
# The last of each pair is a planted fault.
HEADERS = [
    ("cuda_runtime_api.h", "cudaErrorNotReady", "cudaStreamQuery (cudaStream_t stream)"),
    ("cublasLt.h", "CUBLAS_COMPUTE_32F", "cublasLtDestroy (cublasLtHandle_t handle)"),
]


def find_include(name):
    """The folder of NVIDIA's header, or None."""
    for home in (os.environ.get("CUDA_HOME"), "/usr/local/cuda", "/usr"):
        if home and (pathlib.Path(home) / "include" / name).exists():
            return pathlib.Path(home) / "include"
    return None


def read_values(text):
    """What our header says of names: entries of enums, rows of the tables of statuses, plain macros."""
    values = re.findall(r"^\s+(cu\w+|CU\w+) = (\d+),?$", text, re.M)
    values += re.findall(r"^\s+(?:ERROR|STATUS) \((\w+), (\d+),", text, re.M)
    values += re.findall(r"^#define (\w+) (0x\w+|\d+)$", text, re.M)
    return [(name, value) for name, value in values if not OUR_OWN.search(name)]


def read_functions(text):
    return [re.sub(r" SNG_EMULATOR_DEFAULT \(\w+\)", "", " ".join(declaration.split()))
            for declaration in re.findall(r"^SNG_EMULATOR_API ([^;]*;)", text, re.M)]


def agrees(compiler, include, name, values, functions):
    """The compiler's complaints, or an empty text."""
    lines = [f"#include <{name}>"]
    lines += [f'_Static_assert (({of}) == {value}, "{of}");' for of, value in values]
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write("\n".join(lines + functions) + "\n")
        source.flush()
        run = subprocess.run([*compiler.split(), "-std=gnu11", "-fsyntax-only", "-isystem", str(include), source.name],
                             capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stderr


def check_header(compiler, folder, name, value_name, function):
    text = (folder / name).read_text(encoding="utf-8")
    values, functions = read_values(text), read_functions(text)
    include = find_include(name)
    path = f"/sng/cuda-emulator/values/{name}"

    if include is None:
        return [(True, f"{path} # SKIP NVIDIA's {name} is not installed", "")]

    wrong_values = [(of, "12345" if of == value_name else value) for of, value in values]
    wrong_functions = [line.replace(function, function.replace(")", ", int more)")) for line in functions]
    planted = wrong_values != values and wrong_functions != functions
    complaints = agrees(compiler, include, name, values, functions)
    return [
        (not complaints and len(values) > 20 and len(functions) > 10, path, complaints),
        (planted and bool(agrees(compiler, include, name, wrong_values, functions)), f"{path}/wrong-value",
         "the planted value was not found"),
        (planted and bool(agrees(compiler, include, name, values, wrong_functions)), f"{path}/wrong-function",
         "the planted declaration was not found"),
    ]


def main():
    compiler, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    results = [result for header in HEADERS for result in check_header(compiler, folder, *header)]

    print(f"1..{len(results)}")
    for number, (passed, title, details) in enumerate(results, 1):
        if not passed:
            print(details, file=sys.stderr)
        print(f"{'ok' if passed else 'not ok'} {number} {title}")
    return 0 if all(passed for passed, _, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
