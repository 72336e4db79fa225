#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The preloaded library that counts file operations: test-shim.py SHIM PROGRAM.

What it says is compared with what programs do that end by themselves after as many operations."""

import collections
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))
import tap  # noqa: E402

SHIM, PROGRAM = (os.path.abspath(argument) for argument in sys.argv[1:3])
SCRIPT = HERE / "saves.py"
Outcome = collections.namedtuple("Outcome", "code lines tree last output")


def without_random(text):
    """The names of temporary files."""
    return re.sub(r"(\bm-|\.tmp)[A-Za-z0-9]{6}\b", r"\1XXXXXX", text)


def tree_of(directory):
    """Each name below the directory with what it is: the contents of a file, where a link leads."""
    tree = {}
    for parent, directories, files in os.walk(directory):
        for name in directories + files:
            path = pathlib.Path(parent, name)
            key = without_random(str(path.relative_to(directory)))
            if path.is_symlink():
                tree[key] = ("link", os.readlink(path))
            elif path.is_file():
                tree[key] = ("file", path.read_bytes())
            else:
                tree[key] = ("directory" if path.is_dir() else "other", None)
    return tree


class ShimCase(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="test-shim-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        self.addCleanup(shutil.rmtree, self.work)
        self.directory = self.work / "files"

    def run_plain(self, command, limit):
        """The files that the command leaves without the library, after so many operations."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        subprocess.run([*command, self.directory, str(limit)], check=True, timeout=60)
        return tree_of(self.directory)

    def run_shim(self, command, kill_at=None, group=False, directory=None, **extra):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        log, counter = self.work / "log", self.work / "counter"
        for path in (log, counter):
            path.unlink(missing_ok=True)
        environment = {**os.environ, "LD_PRELOAD": SHIM, "SNG_SHIM_DIR": str(directory or self.directory),
                       "SNG_SHIM_LOG": str(log), "SNG_SHIM_COUNTER": str(counter), **extra}
        if kill_at is not None:
            environment["SNG_SHIM_KILL_AT"] = str(kill_at)
        if group:
            environment["SNG_SHIM_KILL_GROUP"] = "1"
        result = subprocess.run([*command, self.directory], env=environment, timeout=120, start_new_session=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = log.read_text().splitlines() if log.exists() else []
        last = struct.unpack("=Q", counter.read_bytes()[:8])[0]
        return Outcome(result.returncode, [without_random(line.replace(f"{self.directory}/", "")) for line in lines],
                       tree_of(self.directory), last, result.stdout.decode())

    def check_log(self, outcome, expected):
        self.assertEqual(outcome.code, 0, outcome.output)
        self.assertEqual(outcome.lines, [f"{number} {line}" for number, line in enumerate(expected, 1)])
        self.assertEqual(outcome.last, len(expected))

    def check_kills(self, command, reference, group=False):
        """Killed before each operation, the files are those of the operations before."""
        for number in range(1, reference.last + 1):
            killed = self.run_shim(command, number, group)
            self.assertEqual(killed.code, -signal.SIGKILL, (number, killed.output))
            self.assertEqual(killed.lines, reference.lines[:number])
            self.assertEqual(killed.tree, self.run_plain(command, number - 1), f"before {reference.lines[number - 1]}")
        after = self.run_shim(command, reference.last + 1, group)
        self.assertEqual((after.code, after.lines, after.tree), (0, reference.lines, reference.tree))


DESCRIPTORS = """mkdir d|open d/a|write d/a|pwrite d/a|pwrite d/a|writev d/a|pwritev d/a|write d/a|write d/a|write d/a
fdatasync d/a|ftruncate d/a|fallocate d/a|fallocate d/a|fsync d/a|sync_file_range d/a
rename d/a d/b|link d/b d/c|symlink d/s|truncate d/b|open d/b|write d/b|open copy|sendfile copy|copy_file_range copy
open d/e|write d/e|fsync d|rename d/e f|write f|unlink f|exchange d/b d/c|link d/b l|mkdir d/sub|rmdir d/sub|unlink d/s
open m-XXXXXX|write m-XXXXXX|unlink m-XXXXXX|mkdir gone|rmdir gone|remove l"""
STREAMS = """open a|fflush a|write a|write a|write a|fclose a|open b|open b|write b|write b|write b|write b|fflush b|write b
write b|open c|write c|open d|write d|fflush d"""


def split(text):
    return text.replace("\n", "|").split("|")


class ProgramTest(ShimCase):
    def test_descriptors(self):
        command = [PROGRAM, "descriptors"]
        outcome = self.run_shim(command)
        self.check_log(outcome, split(DESCRIPTORS))
        self.assertEqual(outcome.tree, self.run_plain(command, -1))
        self.check_kills(command, outcome)

    def test_streams(self):
        command = [PROGRAM, "streams"]
        outcome = self.run_shim(command)
        self.check_log(outcome, split(STREAMS))
        self.check_kills(command, outcome)

    def test_unnamed(self):
        command = [PROGRAM, "unnamed"]
        outcome = self.run_shim(command)
        if outcome.code == 77:
            self.skipTest("this file system has no files without a name")
        outcome = self.run_shim(command)
        self.assertEqual(len(outcome.lines), 4)
        self.assertEqual([line.split()[1] for line in outcome.lines], ["open", "open", "link", "write"])
        self.assertEqual(outcome.tree, {"named": ("file", b"named later and more")})

    def test_children(self):
        command = [PROGRAM, "children"]
        outcome = self.run_shim(command)
        self.check_log(outcome, ["open a", "write a", "write a", "mkdir b", "write a", "open c", "write a"])
        self.assertEqual(outcome.tree["a"][1], b"parent child executed parent")
        self.check_kills(command, outcome, group=True)

    def test_only_the_process(self):
        """Without the group only the child that comes to the operation is killed."""
        outcome = self.run_shim([PROGRAM, "children"], 4)
        self.assertEqual(outcome.code, 3)
        self.assertEqual(len(outcome.lines), 4)
        self.assertNotIn("b", outcome.tree)

    def test_threads(self):
        outcome = self.run_shim([PROGRAM, "threads"])
        self.assertEqual((outcome.code, outcome.last, len(outcome.lines)), (0, 640, 640))
        self.assertEqual(sorted(int(line.split()[0]) for line in outcome.lines), list(range(1, 641)))
        for number in (1, 2, 97, 399, 511, 640):
            killed = self.run_shim([PROGRAM, "threads"], number)
            self.assertEqual(killed.code, -signal.SIGKILL, killed.output)
            self.assertEqual(killed.tree, self.replay(killed.lines, number), f"before {number}")

    @staticmethod
    def replay(lines, number):
        """The files after the operations before, in the order of their numbers."""
        tree = {}
        for line in sorted(lines, key=lambda text: int(text.split()[0]))[:number - 1]:
            _, operation, path, *other = line.split()
            if operation == "open":
                tree[path] = ("file", b"")
            elif operation == "write":
                tree[path] = ("file", path.encode())
            elif operation == "rename":
                tree[other[0]] = tree.pop(path)
        return tree

    def test_overlap(self):
        """The kill waits for an operation that has begun before, though not for ever, and what comes behind does not happen."""
        outcome = self.run_shim([PROGRAM, "overlap"], 2)
        self.assertEqual(outcome.code, -signal.SIGKILL)
        self.assertEqual(outcome.lines, ["1 open fifo", "2 mkdir after"])
        self.assertEqual(list(outcome.tree), ["fifo"])

    def test_outside(self):
        """Files elsewhere are neither counted nor touched, however they are called."""
        (self.work / "watched").mkdir()
        outcome = self.run_shim([PROGRAM, "descriptors"], directory=self.work / "watched", kill_at=1)
        self.assertEqual((outcome.code, outcome.lines, outcome.last), (0, [], 0))
        expected = self.run_plain([PROGRAM, "descriptors"], -1)
        self.assertEqual(outcome.tree, expected)
        # A name that only begins alike.
        outcome = self.run_shim([PROGRAM, "streams"], directory=str(self.directory)[:-1], kill_at=1)
        self.assertEqual((outcome.code, outcome.last), (0, 0))

    def test_link_to_the_directory(self):
        """The directory is known under each of its names."""
        (self.work / "link").symlink_to("files")
        for name in (f"{self.work}/link", f"{self.directory}///", f"{self.work}/x/../files"):
            (self.work / "x").mkdir(exist_ok=True)
            outcome = self.run_shim([PROGRAM, "streams"], directory=name)
            self.check_log(outcome, split(STREAMS))

    def test_not_set(self):
        """Preloaded with nothing to do, it does nothing."""
        for name in ("SNG_SHIM_DIR", "SNG_SHIM_COUNTER"):
            environment = {**os.environ, "LD_PRELOAD": SHIM, "SNG_SHIM_KILL_AT": "1",
                           "SNG_SHIM_DIR": str(self.work), "SNG_SHIM_COUNTER": f"{self.work}/none/counter"}
            if name == "SNG_SHIM_DIR":
                del environment[name]
            self.directory.mkdir(exist_ok=True)
            subprocess.run([PROGRAM, "print", self.directory], env=environment, check=True, timeout=60,
                           stdout=subprocess.DEVNULL)

    def test_names_are_escaped(self):
        self.directory = self.work / "a b\\\n"
        outcome = self.run_shim([PROGRAM, "print"])
        self.assertEqual(outcome.code, 0)
        self.assertEqual(outcome.lines, [f"1 open {self.work}/a\\040b\\134\\012/c"])


class PythonTest(ShimCase):
    def command(self, scenario, python="/usr/bin/python3"):
        return [python, SCRIPT, scenario]

    def test_python(self):
        command = self.command("plain")
        outcome = self.run_shim(command, PYTHONDONTWRITEBYTECODE="1")
        self.check_log(outcome, split("mkdir a|mkdir a/b|open a/b/x.tmp|write a/b/x.tmp|fsync a/b/x.tmp"
                                      "|rename a/b/x.tmp a/b/x|fsync a/b|open y|write y|write y|write y|open z|write z"
                                      "|rename a/b/x w|unlink z|rmdir a/b|rmdir a"))
        self.check_kills(command, outcome)

    def test_sqlite(self):
        """Whatever it is killed before, SQLite finds one of the states that it has committed."""
        command = self.command("sqlite")
        outcome = self.run_shim(command)
        self.assertEqual(outcome.code, 0, outcome.output)
        operations = {line.split()[1] for line in outcome.lines}
        self.assertLessEqual({"open", "pwrite", "fdatasync", "unlink"}, operations)
        seen = set()
        for number in range(1, outcome.last + 2):
            self.assertEqual(self.run_shim(command, number).code, -signal.SIGKILL if number <= outcome.last else 0)
            result = subprocess.run([*self.command("sqlite-check"), self.directory], check=True, stdout=subprocess.PIPE)
            seen.add(int(result.stdout))
        self.assertEqual(seen, {0, 1, 2, 3})

    def check_save(self, scenario, name, first=None):
        """A save by a library: the same file, and killed at each operation a part of it, or nothing under its name."""
        command = self.command(scenario, sys.executable)
        outcome = self.run_shim(command)
        if outcome.code == 77:
            self.skipTest(outcome.output.strip())
        first = first or name
        self.assertEqual(outcome.code, 0, outcome.output)
        self.assertEqual(outcome.lines[0], f"1 open {first}")
        self.assertTrue(any(line.split()[1] in ("write", "writev") for line in outcome.lines), outcome.lines)
        self.assertEqual(outcome.tree, self.run_plain(command, -1))
        self.assertEqual(list(outcome.tree), [name])

        sizes = []
        for number in sorted({1, 2, (outcome.last + 2) // 2, outcome.last}):
            killed = self.run_shim(command, number)
            self.assertEqual(killed.code, -signal.SIGKILL)
            self.assertEqual(killed.lines, outcome.lines[:number])
            self.assertEqual(list(killed.tree), [] if number == 1 else [first])
            sizes.append(sum(len(data) for kind, data in killed.tree.values()) if killed.tree else -1)
        self.assertEqual(sizes[:2], [-1, 0])
        self.assertEqual(sizes, sorted(sizes))
        self.assertNotEqual(killed.tree[first], outcome.tree[name])

    def test_torch_save(self):
        self.check_save("torch", "model.pt")

    def test_safetensors(self):
        """It renames its temporary file by a system call of its own, past the C library: that is not seen."""
        self.check_save("safetensors", "model.safetensors", first=".tmpXXXXXX")

    def test_numpy(self):
        self.check_save("numpy", "array.npy")


if __name__ == "__main__":
    tap.main("/sng/shim")
