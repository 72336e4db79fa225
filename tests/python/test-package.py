#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package sng as it is installed, typed and imported: test-package.py VERSION [BUILD_DIR]."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import tap

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python"
VERSION, *BUILD = sys.argv[1:]


def run(*command, **variables):
    """Without the tree on Python's path. -I would leave out the typelib's place, too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=200, cwd=tempfile.gettempdir(),
                          env={**environment, "PYTHONDONTWRITEBYTECODE": "1", **variables})


class ImportTest(unittest.TestCase):
    def run_code(self, code, *options):
        process = run(sys.executable, *options, "-c", code, PYTHONPATH=str(PACKAGE))
        self.assertEqual((process.returncode, process.stderr), (0, ""))
        return process.stdout

    def test_is_lazy(self):
        self.run_code("import sys, sng\n"
                      "sng.Recorder().step(1, {'a': object()}); list(sng.flatten([1])); dir(sng)\n"
                      "assert not {'gi', 'numpy', 'torch', 'pytest'} & set(sys.modules)")

    def test_is_the_namespace(self):
        self.run_code("import sng\nsng.Sng\nfrom gi.repository import Sng\n"
                      "assert sng.Harness is Sng.Harness and sng.Sng is Sng\n"
                      "assert sng.Recorder is not Sng.Recorder and 'Harness' in dir(sng) and 'Recorder' in dir(sng)\n"
                      "assert issubclass(sng.StopAndGoHarness, Sng.Harness)")

    def test_unknown_names(self):
        self.run_code("import sng\n"
                      "try: sng.Nothing\n"
                      "except AttributeError as error: assert \"'Nothing'\" in str(error) and 'Sng' in str(error)\n"
                      "else: raise SystemExit('found')\n"
                      "assert not hasattr(sng, '__wrapped__')")

    def test_without_gi(self):
        """As in a virtual environment that sees no system packages."""
        code = ("import sys\nsys.modules['gi'] = None\nimport sng\nsng.Recorder().step(1)\n"
                "try: sng.Harness\nexcept ImportError as error: print(error)\n")
        self.assertIn("It needs PyGObject (Debian: python3-gi", self.run_code(code))


class TypesTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mypy"), "needs mypy")
    def test_mypy(self):
        with tempfile.TemporaryDirectory() as directory:
            shutil.copytree(PACKAGE, f"{directory}/python", ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache", "build"))
            process = subprocess.run(["mypy"], cwd=f"{directory}/python", capture_output=True, text=True)
            self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
            planted = pathlib.Path(directory, "python", "sng", "recorder.py")
            planted.write_text(planted.read_text() + "\n\ndef planted(step: int) -> str:\n    return step\n")
            process = subprocess.run(["mypy"], cwd=f"{directory}/python", capture_output=True, text=True)
            self.assertIn("Incompatible return value type", process.stdout)

    @unittest.skipUnless(shutil.which("mypy"), "needs mypy")
    def test_users_see_the_types(self):
        with tempfile.TemporaryDirectory() as directory:
            script = pathlib.Path(directory, "user.py")
            script.write_text("import sng\nrecorder = sng.Recorder()\nrecorder.step('one', {})\nname: int = recorder.mode\n")
            process = subprocess.run(["mypy", "--ignore-missing-imports", script], cwd=directory,
                                     capture_output=True, text=True, env={**os.environ, "MYPYPATH": str(PACKAGE)})
            self.assertIn('Argument 1 to "step" of "Recorder" has incompatible type "str"', process.stdout)
            self.assertIn("user.py:4: error: Incompatible types in assignment", process.stdout)


class InstallTest(unittest.TestCase):
    """In an environment of its own, that sees the system's packages and not the tree."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.venv = pathlib.Path(cls.directory.name, "venv")
        process = run("/usr/bin/python3", "-m", "venv", "--system-site-packages", cls.venv)
        if process.returncode != 0:
            raise unittest.SkipTest("needs python3-venv")
        cls.python = cls.venv / "bin" / "python"
        cls.source = pathlib.Path(cls.directory.name, "source")
        shutil.copytree(PACKAGE, cls.source, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache", "build", "*.egg-info"))

    def check_installed(self, *, plugin=True, **variables):
        code = ("import importlib.metadata, pathlib, sng\n"
                "print(sng.__file__)\n"
                "print(importlib.metadata.version('libsng'))\n"
                "print(len(sng.StateDict()))\n"
                "print(sng.Sng.find_exception.__module__)\n"
                "print((pathlib.Path(sng.__file__).parent / 'py.typed').exists())\n")
        process = run(self.python, "-c", code, **variables)
        self.assertEqual(process.returncode, 0, process.stderr)
        file, version, length, override, typed = process.stdout.split()
        self.assertEqual((version, length, override, typed), (VERSION, "0", "gi.overrides.Sng", "True"))
        if plugin:
            process = run(self.python, "-m", "pytest", "--help", **variables)
            if "No module named pytest" in process.stderr:
                self.skipTest("needs pytest")
            self.assertIn("--sng-report=DIR", process.stdout)
            process = run(self.python, "-m", "pytest", "-p", "sng.pytest_plugin", "--version", **variables)
            self.assertEqual(process.returncode, 0, process.stderr)
        return file

    def test_pip(self):
        for name in ("setuptools", "wheel"):  # what builds it; nothing is fetched
            if run(self.python, "-c", f"import {name}").returncode != 0:
                self.skipTest(f"needs {name} (Debian: python3-{name})")
        process = run(self.python, "-m", "pip", "install", "--no-index", "--no-build-isolation", "--no-deps", self.source)
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        self.assertTrue(self.check_installed().startswith(str(self.venv)))
        files = run(self.python, "-m", "pip", "show", "-f", "libsng").stdout
        for name in ("gi/overrides/Sng.py", "sng/py.typed", "sng/torch/codec.py", "sng/pytest_plugin.py"):
            self.assertIn(f"  {name}\n", files)
        sources = {path.relative_to(PACKAGE).as_posix() for folder in ("sng", "gi") for path in (PACKAGE / folder).rglob("*.py")}
        self.assertEqual({name for name in sources if f"  {name}\n" not in files}, set())
        process = run(self.python, "-m", "pip", "uninstall", "-y", "libsng")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertNotEqual(run(self.python, "-c", "import sng").returncode, 0)

    def test_version_is_that_of_the_project(self):
        project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
        self.assertEqual(project["version"], VERSION)
        entry, = project["entry-points"]["pytest11"].items()
        self.assertEqual((PACKAGE / "entry_points.txt").read_text(), "[pytest11]\n{} = {}\n".format(*entry))

    def test_meson(self):
        """What meson installs, found by its directory on Python's path."""
        if not BUILD or not shutil.which("/usr/bin/meson"):
            self.skipTest("needs the build directory, and meson")
        root = pathlib.Path(self.directory.name, "root")
        process = run("/usr/bin/meson", "install", "-C", BUILD[0], "--no-rebuild", "--destdir", root, "--tags", "python-runtime", "--quiet")
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        package, = root.rglob("sng/__init__.py")
        installed = {path.relative_to(package.parents[1]).as_posix() for path in package.parents[1].rglob("*.py")}
        sources = {path.relative_to(PACKAGE).as_posix() for folder in ("sng", "gi") for path in (PACKAGE / folder).rglob("*.py")}
        self.assertEqual(installed, sources)
        self.assertEqual(list(root.rglob("__pycache__")), [])
        self.check_installed(PYTHONPATH=str(package.parents[1]))


if __name__ == "__main__":
    tap.main("/sng/python/package")
