#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks "sng demo" on a GPU, real or emulated: test-cuda-demo.py SNG. SNG_PLUGIN_DIR names the plug-in."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from cli import DIFFERENT, ENVIRONMENT, PASS, WORK, main, sng  # noqa: E402

# As little as a training can be of and still be judged: short proteins, two steps, a stop in between.
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
PROTEINS = ["".join(RESIDUES[(i * i + 7 * j * (i + 1)) % 20] for j in range(24)) for i in range(20)]
FASTA = WORK / "proteins.fasta"
UNEVEN = WORK / "uneven.fasta"
UNEVEN.write_text("".join(f">p{i}\n{protein[i:]}\n" for i, protein in enumerate(PROTEINS)))
FASTA.write_text("".join(f">p{i}\n{protein}\n" for i, protein in enumerate(PROTEINS)))
SMALL = ["demo", "--fasta", FASTA, "--steps", 2, "--stop-at", 1]


def demo(name, *arguments):
    """What is printed, and the report."""
    text = sng(*SMALL, "--output", WORK / name, *arguments, code=PASS).stdout
    return text, json.loads((WORK / name / "report.json").read_text())


def devices(report):
    return {run["name"]: run["environment"]["device"] for run in report["runs"]}


def test_bit_for_bit():
    """All of it on the device, also once more without a stop: not a bit differs, and the runs say where they ran."""
    for precision, repeat in (("32", ["--repeat"]), ("bf16-mixed", []), ("16-mixed", [])):
        text, report = demo(precision, "--device", "cuda", "--precision", precision, *repeat)
        assert report["verdict"] == "PASS" and report["warnings"] == [] and text.startswith("metric"), text
        assert set(devices(report).values()) == {"cuda:0"} and len(report["runs"]) == 3 + len(repeat), report["runs"]
        for run in report["runs"]:
            assert {"gpu", "compute-capability", "cuda-driver", "libsng"} <= set(run["environment"]), run


def test_choices():
    """Algorithms are told where two runs chose otherwise, before what they recorded, and not where one has used fewer."""
    _, report = demo("usual", "--device", "cuda", "--fasta", UNEVEN)
    n_choices = {name: int(re.search(r"^  algorithms: (\d+)$", sng("show", WORK / "usual" / name, code=PASS).stdout, re.M)[1])
                 for name in ("stop-000001", "continuous")}
    assert 10 < n_choices["stop-000001"] < n_choices["continuous"], n_choices
    assert "cublaslt" not in sng("diff", WORK / "usual" / "stop-000001", WORK / "usual" / "continuous", code=DIFFERENT).stdout
    assert not [key for run in report["runs"] for key in run["environment"] if key.startswith("cublaslt ")], report["runs"]

    if report["runs"][0]["environment"]["cuda-compiler"] != "emulator":
        raise unittest.SkipTest("a real cuBLASLt cannot be told what to choose")
    ENVIRONMENT["SNG_EMULATOR_TILE"] = "18"
    demo("otherwise", "--device", "cuda", "--fasta", UNEVEN)
    del ENVIRONMENT["SNG_EMULATOR_TILE"]
    lines = sng("diff", WORK / "usual" / "continuous", WORK / "otherwise" / "continuous", code=PASS).stdout.splitlines()
    for line in lines[:3]:
        assert re.fullmatch(r"cublaslt \d+x\d+x\d+ .*: (.* )tile 20( .*) and \1tile 18\2", line), lines
    assert lines[3] == f"{n_choices['continuous'] - 3} more algorithms differ" and lines[4].startswith("equal: "), lines


def test_from_one_to_the_other():
    """A checkpoint of one device is resumed on the other: equal to the tolerance that was measured, and the report says so first."""
    names = {"cpu": "cpu", "cuda": "cuda:0"}
    # By SGD: of a gradient that is nothing but rounding AdamW makes a whole step.
    for device, resumed in (("cuda", "cpu"), ("cpu", "cuda")):
        text, report = demo(f"{device}-{resumed}", "--optimizer", "sgd", "--device", device, "--resume-device", resumed)
        assert devices(report) == {"continuous": names[device], "stop-000001": names[device],
                                   "resume-000001": names[resumed], "repeat": names[resumed]}, devices(report)
        assert text.startswith(f"warning: environment: resume-000001, repeat ran on {names[resumed]}"), text
        assert ": bit equality cannot be expected; compared to tolerance\n" in text, text
        # Bit by bit they are not equal: it is the tolerance that lets them pass.
        assert any("noise" in note and "ModelWeights" in note for note in report["notes"]), report["notes"]


def test_one_by_two_names():
    """A device is the same by both of its names: nothing is said of two, and what was planned is on the one that ran."""
    text, report = demo("names", "--device", "cuda", "--resume-device", "cuda:0")
    assert set(devices(report).values()) == {"cuda:0"} and report["warnings"] == [] and report["notes"] == [], report
    assert json.loads((WORK / "names/plan.json").read_text())["environment"]["device"] == "cuda:0"


if __name__ == "__main__":
    assert "SNG_PLUGIN_DIR" in ENVIRONMENT, "the plug-in is named by SNG_PLUGIN_DIR"
    sys.exit(main(globals(), "cuda-demo"))
