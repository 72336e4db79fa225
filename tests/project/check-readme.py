#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that README.md tells the truth: its links lead somewhere, its programs and those of some pages are those of docs/examples,
and its commands print what it says they do, numbers aside but for those of what passes.

check-readme.py SOURCE_ROOT BUILD_ROOT prints TAP."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
# Pages whose programs are all parts of examples.
PROGRAMS = ["checkpoints", "writing-a-harness-javascript", "writing-a-harness-vala"]
PAGES = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").glob("*.md"))]
NUMBER = re.compile(r"0x[0-9a-f]+|-?\d[\d.]*(e[+-]\d+)?")


def broken_links(page, text):
    return [f"{page.name}: {target} does not exist" for target in re.findall(r"\]\(([^)#:\s]+)\)", text)
            if not (page.parent / target).exists()]


def foreign_lines(text):
    """Lines of a program that are not in the example that the text before it links to, or names."""
    wrong = []
    for before, language, block in re.findall(r"([^`]*(?:`[^`\n]+`[^`]*)*)```(python|js|vala|c)\n(.*?)```", text, re.S):
        example = (SOURCE / re.findall(r"[(`](docs/examples/[^)`]*)[)`]", before)[-1]).read_text(encoding="utf-8")
        known = {line.strip() for line in example.split("\n")} | {"/* … */"}
        wrong += [f"not in the example: {line}" for line in block.split("\n") if line.strip() not in known]
    return wrong


def commands(text):
    """Each command of the page with the lines that it is said to print."""
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *expected = part.rstrip("\n").split("\n")
            yield command, expected


def run(command, directory):
    command = command.replace("./bootstrap demo", "sng demo").replace("build/docs/", f"{BUILD}/docs/")
    command = command.replace("meson devenv -C build ../", f"/usr/bin/python3 {SOURCE}/")
    environment = dict(os.environ, PATH=f"{BUILD}/sng/cli:{os.environ['PATH']}")
    return subprocess.run(command, shell=True, cwd=directory, env=environment, text=True,
                          stdout=subprocess.PIPE).stdout.rstrip("\n").split("\n")


def plain(line):
    return " ".join((line if "PASS" in line else NUMBER.sub("0", line)).split())


def is_printed(expected, printed):
    """Whether the lines are there in this order, with others between them only where there is an ellipsis."""
    pattern = "".join("(.*\n)*?" if line == "…" else re.escape(plain(line)) + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(plain(line) + "\n" for line in printed)) is not None


def main():
    readme = PAGES[0].read_text(encoding="utf-8")
    lines = [
        ("links", [error for page in PAGES for error in broken_links(page, page.read_text(encoding="utf-8"))]),
        ("links/fault", [] if broken_links(PAGES[0], "[x](no/such/file)") else ["a broken link was not found"]),
        ("programs", foreign_lines(readme)),
        ("programs/fault", [] if foreign_lines(readme.replace("num_steps=10", "steps=10")) else ["not found"]),
    ]
    for page in PROGRAMS:
        text = (SOURCE / f"docs/{page}.md").read_text(encoding="utf-8")
        planted = re.sub(r"(?<=\n)```\n", "planted\n```\n", text)
        lines.append((f"programs/{page}", foreign_lines(text)))
        lines.append((f"programs/{page}/fault", [] if "planted" in str(foreign_lines(planted)) else ["not found"]))
    with tempfile.TemporaryDirectory() as directory:
        for command, expected in commands(readme):
            printed = run(command, directory)
            right = is_printed(expected or [""], printed)
            lines.append((f"prints/{command.split()[1] if command.startswith('sng') else 'program'}",
                          [] if right else [f"$ {command}", *printed]))
    lines.append(("prints/fault", ["not found"] if is_printed(["PASS", "…"], ["DIVERGED", ""]) else []))

    print(f"1..{len(lines)}")
    for number, (title, errors) in enumerate(lines, 1):
        print(*errors, sep="\n", end="\n" if errors else "", file=sys.stderr)
        print(f"{'not ok' if errors else 'ok'} {number} /sng/project/readme/{title}")
    return 1 if any(errors for _, errors in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
