#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the rules that every source file keeps, and that each check finds the
fault it is for: check-sources.py SOURCE_ROOT.  Prints TAP."""

import pathlib
import re
import sys

# Which folder may include which: those before it in the order of the design.
# The engine (nn) and the judges (record, compare) do not know each other, and
# the harness does not know the engine.
LAYERS = {
    "tensor": {"cpu"},
    "cpu": {"tensor"},
    "cuda": {"tensor"},
    "state": {"tensor"},
    "record": {"tensor", "state"},
    "train": {"tensor", "state"},
    "nn": {"tensor", "state", "train"},
    "callbacks": {"tensor", "state", "record", "train"},
    "compare": {"tensor", "state", "record"},
    "harness": {"tensor", "state", "record", "train", "callbacks", "compare"},
}

FOREIGN = re.compile(r'#\s*include\s*[<"](json-glib|sqlite3|dnnl|cuda|cublas|cudnn|nccl|mpi|omp|xxhash)', re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([a-z]+)/', re.M)
MESSAGE = re.compile(r'\b(?:_|N_|C_|NC_|Q_|ngettext|g_dngettext) \(\s*"')


def has_spdx_header(name, text, root):
    head = text[:300]
    return None if "SPDX-FileCopyrightText:" in head and "SPDX-License-Identifier: LGPL-2.1-or-later" in head \
        else "no SPDX header"


def has_pragma_once(name, text, root):
    return None if not name.endswith((".h", ".h.in")) or "\n#pragma once\n" in text else "no #pragma once"


def is_public(name):
    return name.endswith((".h", ".h.in")) and not name.startswith(("sng/cli/", "sng/cuda/")) \
        and "-private.h" not in name and name != "sng/sng.h"


def has_include_guard(name, text, root):
    if not is_public(name) or "#if !defined(SNG_INSIDE) && !defined(SNG_COMPILATION)" in text:
        return None
    return "a public header without the guard against direct inclusion"


def shows_no_foreign_type(name, text, root):
    found = FOREIGN.search(text) if is_public(name) or name == "sng/sng.h" else None
    return f"a public header includes {found.group(1)}" if found else None


def keeps_the_layers(name, text, root):
    folder = name.split("/")[1]
    if folder not in LAYERS:
        return None
    wrong = sorted(set(INCLUDE.findall(text)) & set(LAYERS) - LAYERS[folder] - {folder})
    return f"{folder} may not include {', '.join(wrong)}" if wrong else None


def has_its_messages_listed(name, text, root):
    listed = (root / "po" / "POTFILES.in").read_text(encoding="utf-8").split("\n")
    return "has messages, but po/POTFILES.in does not list it" \
        if MESSAGE.search(text) and name not in listed else None


def is_built(name, text, root):
    """A source, and the header of one, stand in a list of their folder's meson.build."""
    path = root / name
    if path.suffix == ".h" and (path.parent.name == "cli" or not path.with_suffix(".c").exists()):
        return None
    lists = (path.parent / "meson.build").read_text(encoding="utf-8")
    return None if f"'{path.name}'" in lists else "in no list of its folder's meson.build"


# Each check with the file and the text that it must refuse.
GOOD_HEADER = "/* SPDX-FileCopyrightText: x\n * SPDX-License-Identifier: LGPL-2.1-or-later */\n"
CHECKS = [
    (has_spdx_header, "sng/train/sng-a.c", "int a;\n"),
    (has_pragma_once, "sng/train/sng-a.h", GOOD_HEADER + "#ifndef A\n"),
    (has_include_guard, "sng/train/sng-a.h", GOOD_HEADER + "#pragma once\n"),
    (shows_no_foreign_type, "sng/record/sng-a.h", "#include <sqlite3.h>\n"),
    (keeps_the_layers, "sng/train/sng-a.c", '#include "record/sng-metadata.h"\n'),
    (is_built, "sng/train/sng-a.c", "int a;\n"),
    (has_its_messages_listed, "sng/cli/sng-a.c", 'puts (_ ("hello"));\n'),
]


def main():
    root = pathlib.Path(sys.argv[1])
    files = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8")
             for p in sorted((root / "sng").rglob("*")) if p.name.endswith((".c", ".h", ".h.in", ".c.in"))}
    lines = []

    for check, fault_name, fault_text in CHECKS:
        title = check.__name__.replace("_", "-")
        wrong = [f"{name}: {message}" for name, text in files.items()
                 if (message := check(name, text, root))]
        lines.append((not wrong, f"/sng/project/sources/{title}", wrong))
        lines.append((check(fault_name, fault_text, root) is not None,
                      f"/sng/project/sources/{title}/fault", ["the planted fault was not found"]))

    listed = [line for line in (root / "po" / "POTFILES.in").read_text(encoding="utf-8").split("\n")
              if line and not line.startswith("#")]
    gone = [f"po/POTFILES.in lists {name}, which does not exist" for name in listed if not (root / name).exists()]
    lines.append((not gone, "/sng/project/sources/listed-files-exist", gone))

    print(f"1..{len(lines)}")
    for number, (passed, title, details) in enumerate(lines, 1):
        for detail in [] if passed else details:
            # meson shows the standard error of a failed TAP test only.
            print(detail, file=sys.stderr)
        print(f"{'ok' if passed else 'not ok'} {number} {title}")
    return 0 if all(passed for passed, _, _ in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
