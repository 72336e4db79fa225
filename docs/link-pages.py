#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies pages for the reference, where a page that others link to is a page of HTML: link-pages.py DIRECTORY PAGE..."""

import pathlib
import re
import sys

for page in map(pathlib.Path, sys.argv[2:]):
    text = re.sub(r"\]\(([\w-]+)\.md(#[\w-]+)?\)", r"](\1.html\2)", page.read_text(encoding="utf-8"))
    pathlib.Path(sys.argv[1], page.name).write_text(text, encoding="utf-8")
