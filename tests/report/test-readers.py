#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads reports of every kind with what others read them with:
test-readers.py WRITE_REPORTS SCHEMA MESON.  Prints TAP."""

import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import tap

try:
    import jsonschema
except ImportError:
    jsonschema = None
try:
    import junitparser
except ImportError:
    junitparser = None

WRITE_REPORTS, SCHEMA, MESON = sys.argv[1:4]
PROVE = shutil.which("prove")
WORK = tempfile.TemporaryDirectory(prefix="test-readers-")
DIRECTORY = pathlib.Path(WORK.name)


def write_reports():
    lines = subprocess.run([WRITE_REPORTS, DIRECTORY], check=True, capture_output=True, text=True).stdout
    return dict(line.split() for line in lines.splitlines())


VERDICTS = write_reports()


def read(kind, suffix):
    return (DIRECTORY / f"{kind}.{suffix}").read_text(encoding="utf-8")


def count_results(report):
    """All that was judged, and how much of it is well and was left out."""
    metrics = [metric["verdict"] == "PASS" for metric in report["metrics"]]
    faults = report["faults"]
    kills = [kill["outcome"] in ("PASS", "LOST WORK") for kill in report["kills"]]
    total = len(metrics) + len(faults) + len(kills)
    bad = metrics.count(False) + kills.count(False) + sum(fault["planted"] and not fault["detected"] for fault in faults)
    skipped = sum(not fault["planted"] for fault in faults)
    for part in report["parts"]:
        total, bad, skipped = (a + b for a, b in zip((total, bad, skipped), count_results(part)))
    if bad == 0 and report["verdict"] != "PASS":
        total, bad = total + 1, bad + 1
    return total, bad, skipped


class JsonTest(unittest.TestCase):
    @unittest.skipIf(jsonschema is None, "needs python3-jsonschema")
    def test_keeps_the_schema(self):
        schema = json.loads(pathlib.Path(SCHEMA).read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for kind, verdict in VERDICTS.items():
            report = json.loads(read(kind, "json"))
            self.assertEqual([f"{kind}: {error.message}" for error in validator.iter_errors(report)], [])
            self.assertEqual(report["verdict"], verdict)
            self.assertTrue(report["summary"].startswith(verdict))

    @unittest.skipIf(jsonschema is None, "needs python3-jsonschema")
    def test_the_schema_refuses_faults(self):
        validator = jsonschema.Draft202012Validator(json.loads(pathlib.Path(SCHEMA).read_text(encoding="utf-8")))
        good = json.loads(read("faults-missed", "json"))
        for damage in (lambda r: r.pop("verdict"), lambda r: r.update(verdict="FINE"), lambda r: r.update(new=1),
                       lambda r: r["faults"][0].pop("diagnosis"), lambda r: r["faults"][0].update(step="8"),
                       lambda r: r["metrics"][0].update(compared=-1), lambda r: r["runs"][0].update(mode="go")):
            report = copy.deepcopy(good)
            damage(report)
            self.assertFalse(validator.is_valid(report))

    @unittest.skipIf(jsonschema is None, "needs python3-jsonschema")
    def test_the_schema_refuses_kills(self):
        validator = jsonschema.Draft202012Validator(json.loads(pathlib.Path(SCHEMA).read_text(encoding="utf-8")))
        good = json.loads(read("kills", "json"))
        self.assertTrue(validator.is_valid(good))
        for damage in (lambda r: r.pop("kills"), lambda r: r["kills"][0].update(outcome="FINE"),
                       lambda r: r["kills"][0].update(number=0), lambda r: r["kills"][1].pop("other_path")):
            report = copy.deepcopy(good)
            damage(report)
            self.assertFalse(validator.is_valid(report))

    def test_holds_any_name(self):
        name = json.loads(read("hostile", "json"))["metrics"][0]["name"]
        self.assertIn("<a href=\"x\">&amp; ]]> 'q' # SKIP \\ \n\r\t\x1b[31m\x01\ufffd\uffff\u202e end", name)


class JUnitTest(unittest.TestCase):
    def test_has_every_result(self):
        for kind in VERDICTS:
            with self.subTest(kind):
                root = xml.etree.ElementTree.parse(DIRECTORY / f"{kind}.xml").getroot()
                total, bad, skipped = count_results(json.loads(read(kind, "json")))
                self.assertEqual(root.tag, "testsuites")
                self.assertEqual(len(root.findall("testsuite/testcase")), total)
                found = root.findall("testsuite/testcase/failure") + root.findall("testsuite/testcase/error")
                self.assertEqual(len(found), bad)
                self.assertEqual(len(root.findall("testsuite/testcase/skipped")), skipped)
                self.assertEqual([int(root.get(name)) for name in ("tests", "skipped")], [total, skipped])
                self.assertEqual(int(root.get("failures")) + int(root.get("errors")), bad)

    @unittest.skipIf(junitparser is None, "needs python3-junitparser")
    def test_is_read_by_junitparser(self):
        for kind, verdict in VERDICTS.items():
            with self.subTest(kind):
                suites = junitparser.JUnitXml.fromfile(str(DIRECTORY / f"{kind}.xml"))
                total, bad, skipped = count_results(json.loads(read(kind, "json")))
                self.assertEqual(suites.tests, total)
                self.assertEqual(suites.failures + suites.errors, bad)
                suites.update_statistics()
                self.assertEqual((suites.tests, suites.skipped), (total, skipped))
                self.assertEqual(suites.failures + suites.errors, bad)
                self.assertEqual(verdict == "PASS", bad == 0)


class TapTest(unittest.TestCase):
    @unittest.skipIf(PROVE is None, "needs prove, which comes with perl")
    def test_is_read_by_prove(self):
        for kind, verdict in VERDICTS.items():
            with self.subTest(kind):
                result = subprocess.run([PROVE, "--exec", "cat", f"{kind}.tap"], cwd=DIRECTORY, capture_output=True,
                                        text=True)
                total, bad, skipped = count_results(json.loads(read(kind, "json")))
                output = result.stdout + result.stderr
                self.assertEqual(result.returncode == 0, verdict == "PASS", output)
                self.assertNotIn("Parse errors", output)
                self.assertIn(f"Failed {bad}/{total} subtests" if bad else f"Tests={total}", output)
                if skipped and bad:
                    self.assertIn(f"less {skipped} skipped", output)

    def test_is_read_by_meson(self):
        (DIRECTORY / "meson.build").write_text("project('reports')\n" + "".join(
            f"test('{kind}', find_program('cat'), args: files('{kind}.tap'), protocol: 'tap')\n" for kind in VERDICTS))
        subprocess.run([MESON, "setup", "build"], cwd=DIRECTORY, check=True, capture_output=True)
        subprocess.run([MESON, "test", "-C", "build"], cwd=DIRECTORY, capture_output=True)
        log = (DIRECTORY / "build/meson-logs/testlog.json").read_text(encoding="utf-8")
        results = {result["name"]: result["result"] for result in map(json.loads, log.splitlines())}
        self.assertEqual(results, {kind: "OK" if verdict == "PASS" else "FAIL" for kind, verdict in VERDICTS.items()})
        junit = xml.etree.ElementTree.parse(DIRECTORY / "build/meson-logs/testlog.junit.xml").getroot()
        for suite in junit.findall("testsuite"):
            kind = suite.get("name").rsplit(".")[-1]
            if kind in VERDICTS:
                self.assertEqual(len(suite.findall("testcase")), count_results(json.loads(read(kind, "json")))[0])


if __name__ == "__main__":
    with WORK:
        tap.main("/sng/report-readers")
