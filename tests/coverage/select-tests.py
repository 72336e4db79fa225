#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the programs of tests, one a line, as ninja knows them:
meson introspect BUILD --tests | select-tests.py BUILD SUITE NAME…"""

import json
import os
import sys

build, suite, *names = sys.argv[1:]
for test in json.load(sys.stdin):
    suites = [name.split(":")[-1] for name in test["suite"]]
    if "long" not in suites and (suite in suites or test["name"] in names):
        print(os.path.relpath(test["cmd"][0], os.path.realpath(build)))
