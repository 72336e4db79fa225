# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What "sng --help" and "sng COMMAND --help" say, for tests that hold other texts against it."""

import os
import re
import subprocess
import sys

def ask(sng, *arguments):
    # The sanitizers' exit codes and all else of the environment stay.
    result = subprocess.run([sng, *arguments, "--help"], capture_output=True, text=True, check=True, timeout=60,
                            env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
    return result.stdout


def read_commands(text):
    """The commands of "sng --help", and what it says of each."""
    listed = text.split("\nCommands:\n", 1)[1].split("\n\n", 1)[0]
    return dict(line.split(None, 1) for line in listed.split("\n"))


def read_options(text):
    """The options of a command: their long names, with the short one and the name of the value, or None each."""
    options = {}
    for line in text.split("\n"):
        if match := re.match(r"^  (?:-(\w), )? *--([a-z][a-z-]*)(?:=(\S+))?(?:\s|$)", line):
            short, name, value = match.groups()
            options[name] = (short, value)
    return options


def read_help(sng):
    """All commands and the options of each, but --help."""
    commands = {}
    for command in read_commands(ask(sng)):
        commands[command] = read_options(ask(sng, command))
        assert commands[command].pop("help", None) is not None, f"sng {command} --help does not list --help"
    assert len(commands) > 1, commands
    return commands


def print_tap(suite, lines):
    """Prints what was found wrong under each title; returns the exit code.  A reason that is a string skips."""
    print(f"1..{len(lines)}")
    for number, (title, details) in enumerate(lines, 1):
        skip = f" # SKIP {details}" if isinstance(details, str) else ""
        wrong = [] if skip else details
        for detail in wrong:
            # meson shows the standard error of a failed TAP test only.
            print(f"{title}: {detail}", file=sys.stderr)
        print(f"{'not ok' if wrong else 'ok'} {number} /sng/project/{suite}/{title}{skip}")
    return 1 if any(details and not isinstance(details, str) for _, details in lines) else 0
