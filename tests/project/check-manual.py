#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the manual page against what the command says of itself, and sees
that each check finds the fault it is for: check-manual.py SNG PAGE.
Prints TAP."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from command_help import ask, print_tap, read_help


def plain(text):
    """The text of a line of roff: without its macro, its fonts and its escapes."""
    text = re.sub(r"^\.(?:[BI]|BR|BI|RB|RI|IR|IB)\s+", "", text)
    text = re.sub(r"\\f[BIPR]|\\&|\"", "", text)
    return text.replace("\\-", "-")


def read_page(page):
    """The sections of the page, each as its lines; those below COMMANDS by the command's name."""
    sections, name, commands = {}, "", {}
    for line in page.split("\n"):
        if match := re.match(r"\.S([HS]) (.*)", line):
            kind, name = match[1], plain(match[2])
            target = sections if kind == "H" else commands
            target[name] = lines = []
        elif name:
            lines.append(line)
    return sections, commands


def read_documented(lines):
    """The options that have an entry of their own, as read_options () has them."""
    options = {}
    for tag, line in zip(lines, lines[1:]):
        text = plain(line)
        if tag != ".TP" or not text.startswith("-"):
            continue
        names = re.sub(r"=\s+", "=", re.sub(r"\s*,\s*", " ", text)).split()
        short = next((name[1:] for name in names if re.fullmatch(r"-\w", name)), None)
        name, _, value = next(name[2:] for name in names if name.startswith("--")).partition("=")
        options[name] = (short, value or None)
    return options


def compare(page, commands):
    """What the page and the command do not agree on."""
    sections, documented = read_page(page)
    wrong = []
    if list(documented) != list(commands):
        wrong.append(f"the page describes {', '.join(documented)}, but there are {', '.join(commands)}")
    synopsis = " ".join(map(plain, sections.get("SYNOPSIS", [])))
    for command, options in commands.items():
        if not re.search(rf"\bsng {command}\b", synopsis):
            wrong.append(f"sng {command} is not in the synopsis")
        entries = read_documented(documented.get(command, []))
        for name in sorted(set(options) | set(entries)):
            if options.get(name) != entries.get(name):
                wrong.append(f"sng {command} --{name}: (short, value) is {options.get(name)}, "
                             f"on the page {entries.get(name)}")
    general = {"help": ("h", None), "version": (None, None)}
    if (entries := read_documented(sections.get("DESCRIPTION", []))) != general:
        wrong.append(f"the page has {entries} of sng itself, not {general}")
    return wrong


def find_missing_codes(page, helps):
    """The exit codes that the command tells of and the page does not."""
    sections, _ = read_page(page)
    documented = set(re.findall(r"\b\d+\b", " ".join(
        line for tag, line in zip(sections.get("EXIT STATUS", []), sections.get("EXIT STATUS", [])[1:]) if tag == ".TP")))
    told = set()
    for text in helps:
        told |= set(re.findall(r"\b\d+\b", text.split("Exit codes:", 1)[-1])) if "Exit codes:" in text else set()
    return [f"exit code {code} is not on the page" for code in sorted(told - documented)]


FORMATTERS = {
    "man": lambda path: ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(path)],
    "mandoc": lambda path: ["mandoc", "-Tlint", "-Wwarning", str(path)],
}


def complain(formatter, page, work):
    """What a formatter does not like."""
    path = work / "sng.1"
    path.write_text(page, encoding="utf-8")
    result = subprocess.run(FORMATTERS[formatter](path), capture_output=True, text=True, timeout=60,
                            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"})
    complaints = result.stderr + (result.stdout if formatter == "mandoc" else "")
    if not complaints and result.returncode != 0:
        complaints = f"exit code {result.returncode}"
    return complaints.split("\n") if complaints else []


def formatter_lines(page):
    with tempfile.TemporaryDirectory(prefix="sng-manual-") as work:
        for formatter in FORMATTERS:
            if shutil.which(formatter, path="/usr/bin:/bin") is None:
                yield f"formats/{formatter}", f"needs {formatter}"
                continue
            yield f"formats/{formatter}", complain(formatter, page, pathlib.Path(work))
            found = complain(formatter, page.replace("\n.TP\n", "\n.TQP\n.SH\n.RE\n", 1), pathlib.Path(work))
            yield f"formats/{formatter}/fault", [] if found else ["the planted fault was not found"]


def main():
    sng, page = sys.argv[1], pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
    commands = read_help(sng)
    helps = [ask(sng, command) for command in commands]
    planted = {
        "undocumented-option": page.replace(".BI \\-\\-seed= S\n", ".BI seed= S\n"),
        "unknown-option": page.replace(".B \\-\\-tap\n", ".B \\-\\-tape\n"),
        "other-value": page.replace(".BI \\-\\-html= FILE\n", ".BI \\-\\-html= DIR\n"),
        "no-short-option": page.replace(".BR \\-q \", \" \\-\\-quiet\n", ".B \\-\\-quiet\n"),
        "undocumented-command": page.replace(".SS show\n", ""),
        "not-in-synopsis": page.replace(".B sng diff\n", ".B sng differ\n"),
    }
    lines = [("agrees", compare(page, commands))]
    lines += [(f"agrees/fault/{name}", [] if text != page and compare(text, commands) else ["the planted fault was not found"])
              for name, text in planted.items()]
    lines.append(("exit-codes", find_missing_codes(page, helps)))
    lines.append(("exit-codes/fault", [] if find_missing_codes(page.replace("\n.B 2\n", "\n.B two\n"), helps)
                  else ["the planted fault was not found"]))
    lines += formatter_lines(page)
    return print_tap("manual", lines)


if __name__ == "__main__":
    sys.exit(main())
