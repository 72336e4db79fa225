# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the command share.  A test program takes the command as its argument, and prints TAP."""

import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SNG = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="test-cli-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
TEMPORARY = WORK / "tmp"
ENVIRONMENT = {**os.environ, "TMPDIR": str(TEMPORARY), "LC_ALL": "C.UTF-8", "OMP_WAIT_POLICY": "passive"}

PASS, DIFFERENT, INCONCLUSIVE, ERROR = range(4)


def sng(*arguments, code):
    """Runs the command, checks its exit code, and that it leaves nothing temporary behind."""
    result = subprocess.run([SNG, *map(str, arguments)], env=ENVIRONMENT, cwd=WORK, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == code, f"{arguments}: exit code {result.returncode}, not {code}\n{result.stdout}{result.stderr}"
    assert not os.listdir(TEMPORARY), f"{arguments} left {os.listdir(TEMPORARY)}"
    return result


def has_error(result, *parts):
    """A message of one line that names the things, and nothing on the standard output."""
    assert result.stdout == "", result.stdout
    assert result.stderr.startswith("sng: ") and result.stderr.count("\n") == 1, result.stderr
    for part in parts:
        assert str(part) in result.stderr, f'"{part}" is not in: {result.stderr}'


def small_run(name, *arguments, code=PASS):
    return sng("demo", "--steps", 4, "--output", WORK / name, *arguments, code=code)


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, what):
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return value


def sng_on_terminal(*arguments):
    """What a passing run prints to its standard output, and what is seen of it on a terminal of 80 columns."""
    try:
        terminal, slave = pty.openpty()
    except OSError as error:
        raise unittest.SkipTest(f"needs a pseudo-terminal: {error}") from error
    process = subprocess.Popen([SNG, *map(str, arguments)], env={**ENVIRONMENT, "TERM": "xterm"}, cwd=WORK,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        if select.select([terminal], [], [], 60)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break
    printed = process.stdout.read()
    assert process.wait(timeout=30) == PASS
    os.close(terminal)
    text = shown.decode()
    assert text.endswith("\r\033[K") and "\n" not in text, repr(text[-80:])
    assert all(len(line) < 80 for line in text.replace("\033[K", "").split("\r")), text
    return printed, text


def main(names, suite):
    """Runs the tests among the names of a program."""
    tests = [(name[5:], test) for name, test in names.items() if name.startswith("test_")]
    failed = 0
    TEMPORARY.mkdir()
    print(f"1..{len(tests)}", flush=True)

    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            status, skip = "ok", ""
        except unittest.SkipTest as reason:
            status, skip = "ok", f" # SKIP {reason}"
        except Exception as error:  # every failure is one line of TAP, and the next test runs
            status, skip, failed = "not ok", "", failed + 1
            for line in f"{type(error).__name__}: {error}"[:4000].splitlines():
                print(f"# {line}")
        print(f"{status} {number} /sng/{suite}/{name.replace('_', '-')}{skip}", flush=True)

    shutil.rmtree(WORK)
    return 1 if failed else 0

