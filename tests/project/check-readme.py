#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that README.md and the pages in docs/ tell the truth: their links lead somewhere, their programs are those of
docs/examples, and their commands print what they say they do, numbers aside but for those of what passes.

check-readme.py SOURCE_ROOT BUILD_ROOT prints TAP."""

import functools
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
PAGES = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", *sorted((SOURCE / "docs").glob("*.md"))]
# Fingerprints are numbers, too: they depend on how a processor rounds sums.
NUMBER = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{32}\b|-?\d[\d.]*(e[+-]?\d+)?")
FENCE = re.compile(r"```([^\n]*)\n(.*?)```", re.S)
PROGRAMS = {"c", "js", "python", "vala"}
ELLIPSES = {"/* … */", "// …", "# …"}
# What the pages call them, beside the files of docs/examples.
COMPILED = {"train": "example-c-train-recorded", "train-before": "example-c-train"}
# Those look at what is there now; any other command is run once for all pages.
LOOKS = ("cat ", "echo ", "ls ", "rm ")


def broken_links(page, text):
    return [f"{page.name}: {target} does not exist" for target in re.findall(r"\]\(([^)#:\s]+)\)", text)
            if not (page.parent / target).exists()]


def foreign_lines(text):
    """Lines of a program that are not in the example, or the test, that the text before it links to, or names."""
    wrong = []
    for match in FENCE.finditer(text):
        language, block = match.groups()
        if language not in PROGRAMS:
            continue
        named = re.findall(r"[(`]((?:docs/examples|tests)/[^)`]*\.\w+)[)`]", text[:match.start()])
        example = (SOURCE / named[-1]).read_text(encoding="utf-8") if named else ""
        known = {line.strip() for line in example.split("\n")} | ELLIPSES
        wrong += [f"not in {named[-1] if named else 'any example'}: {line}" for line in block.split("\n") if line.strip() not in known]
    return wrong


def unchecked_blocks(text):
    """Blocks that nobody holds against anything. One without a language is a drawing."""
    return [f"nothing checks this block: {language} {block}" for language, block in FENCE.findall(text)
            if language not in PROGRAMS | {"console", ""} or (not language and re.search(r"^\$ ", block, re.M))]


def commands(text):
    """Each command of the page with the lines that it is said to print."""
    for language, block in FENCE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:] if language == "console" else []:
            command, *expected = part.rstrip("\n").split("\n")
            yield command, expected or [""]


class Shell:
    """Runs commands in a directory of its own, in which all examples are."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.code = 0
        (self.directory / "bin").mkdir()
        (self.directory / "work").mkdir()
        self.add_program("python3", "")
        self.add_program("pytest", "-m pytest -p no:cacheprovider -p sng.pytest_plugin")
        for example in (SOURCE / "docs/examples").glob("*/*.*"):
            if not (self.directory / "work" / example.name).exists():
                (self.directory / "work" / example.name).symlink_to(example)
        for name, program in COMPILED.items():
            (self.directory / "work" / name).symlink_to(BUILD / "docs/examples" / program)
        self.run_once = functools.cache(self.run_now)

    def add_program(self, name, arguments):
        program = self.directory / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments} "$@"\n', encoding="utf-8")
        program.chmod(0o755)

    def run_now(self, command):
        environment = dict(os.environ, PATH=f"{self.directory}/bin:{BUILD}/sng/cli:{os.environ['PATH']}", LC_ALL="C.UTF-8",
                           COLUMNS="80")
        result = subprocess.run(["bash", "-c", f"(exit {self.code}); {command}"], cwd=self.directory / "work", env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.stdout.rstrip("\n").split("\n"), result.returncode

    def run(self, command):
        command = command.replace("./bootstrap demo", "sng demo").replace("build/docs/", f"{BUILD}/docs/")
        command = command.replace("meson devenv -C build ../", f"python3 {SOURCE}/")
        printed, self.code = self.run_now(command) if command.startswith(LOOKS) else self.run_once(command)
        return printed


def missing(command):
    """What the command needs and is not there; None where all is."""
    for program in ("gjs", "sqlite3"):
        if f"{program} " in command and not shutil.which(program):
            return program
    for name in re.findall(r"[\w-]+(?=\.py)|(?<=-m unittest )\w+", command):
        text = "".join(file.read_text(encoding="utf-8") for file in (SOURCE / "docs/examples/python").glob(f"{name}.py"))
        for module in ("numpy", "torch", "lightning", "transformers", "pytest"):
            if re.search(rf'^(import|from) {module}\b|importorskip\("{module}"', text, re.M) and not importlib.util.find_spec(module):
                return module
    return None


def plain(line):
    return " ".join((line if "PASS" in line else NUMBER.sub("0", line)).split())


def is_printed(expected, printed):
    """Whether the lines are there in this order, with others between them, or more within them, only where there is an ellipsis."""
    pattern = "".join("(.*\n)*?" if line == "…" else re.escape(plain(line)).replace("…", ".*") + "\n" for line in expected)
    return re.fullmatch(pattern, "".join(plain(line) + "\n" for line in printed)) is not None


def wrong_output(text, shell):
    """What the commands of a page print, where it is something else than the page says."""
    wrong = []
    for command, expected in commands(text):
        if (what := missing(command)) is not None:
            print(f"# SKIP {command}: {what} is not there")
            continue
        printed = shell.run(command)
        if not is_printed(expected, printed):
            wrong += [f"$ {command}", *printed]
    return wrong


def find_planted(find, planted):
    """Whether a check that found nothing finds a fault."""
    return [] if find(planted) else ["the planted fault was not found"]


def check_page(page, shell):
    """The checks of a page, and each once more with a fault in a copy of it."""
    text = page.read_text(encoding="utf-8")
    yield "links", broken_links(page, text)
    yield "links/fault", find_planted(lambda planted: broken_links(page, planted), text + "[x](no/such/file)")
    yield "blocks", unchecked_blocks(text)
    yield "blocks/fault", find_planted(unchecked_blocks, text + "\n```lisp\n(x)\n```\n")
    for language in sorted(PROGRAMS & {language for language, block in FENCE.findall(text)}):
        yield f"programs/{language}", foreign_lines(text)
        yield f"programs/{language}/fault", find_planted(foreign_lines, re.sub(rf"(```{language}\n)", r"\1planted\n", text))
    if any(missing(command) is None for command, expected in commands(text)):
        yield "prints", wrong_output(text, shell)
        planted = re.sub(r"^(\$ [^\n]*\n)", r"\1planted\n", text, flags=re.M)
        yield "prints/fault", find_planted(lambda text: wrong_output(text, shell), planted)


def main():
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(directory)
        lines = [(f"{page.stem}/{title}", errors) for page in PAGES for title, errors in check_page(page, shell)]

    print(f"1..{len(lines)}")
    for number, (title, errors) in enumerate(lines, 1):
        print(*errors, sep="\n", end="\n" if errors else "", file=sys.stderr)
        print(f"{'not ok' if errors else 'ok'} {number} /sng/project/readme/{title}")
    return 1 if any(errors for _, errors in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
