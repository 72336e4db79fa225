#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks "sng check --kill-file-ops" with trainings that save well, and with those that do not: test-kills.py SNG TRAINING."""

import collections
import json
import os
import sys
import xml.etree.ElementTree

from cli import DIFFERENT, ENVIRONMENT, ERROR, INCONCLUSIVE, PASS, WORK, has_error, main, sng

TIMED_OUT, CHILD_FAILED, NOT_RECORDED, OTHER_STEPS, NOT_RESUMED = range(4, 9)
TRAINING = [os.path.abspath(sys.argv[2]), "--train"]
PYTHON = "/usr/bin/python3"

# Three steps of a training that nobody may touch, and the end of it: what each script adds is how it loads and saves.
STEPS = """
import json, os, pathlib, random, sys
out = pathlib.Path("out"); out.mkdir(exist_ok=True)

def write(name, value, sync=True):
    with open(out / name, "w") as file:
        file.write(json.dumps(value)); file.flush()
        if sync:
            os.fsync(file.fileno())

def read(name, default):
    return json.loads((out / name).read_text()) if (out / name).exists() else default

%s
while state["step"] < 3:
    state["m"] = 0.9 * state["m"] + state["w"]; state["w"] -= 0.1 * state["m"]; state["step"] += 1
    save(state)
write("result.json", state["w"], sync=False)
"""
START = '{"step": 0, "w": 1.0, "m": 0.0}'

ATOMIC = STEPS % f"""
state = read("last.json", {START})
def save(state):
    write("new.json", state); os.replace(out / "new.json", out / "last.json")
"""
IN_PLACE = STEPS % f"""
state = read("last.json", {START})
def save(state):
    write("last.json", state)
"""
# Weights and optimizer are in two files, and one of them is taken for what belongs to the other, whatever step it is of.
STALE = STEPS % f"""
state = {START} | read("weights.json", {{}}) | read("optimizer.json", {{}})
def save(state):
    for name, keys in (("weights", ("step", "w")), ("optimizer", ("m",))):
        write("new.json", {{key: state[key] for key in keys}}); os.replace(out / "new.json", out / (name + ".json"))
"""
RANDOM = STEPS % f"""
state = read("last.json", {START})
state["w"] += random.random()
def save(state):
    write("new.json", state); os.replace(out / "new.json", out / "last.json")
"""
HANGS = IN_PLACE.replace('read("last.json"', '__import__("time").sleep(60) if (out / "last.json").exists() else read("last.json"')
FAILS = ATOMIC.replace("while state", "sys.exit('no disk')\nwhile state")

Kill = collections.namedtuple("Kill", "number operation path other_path outcome detail")


def check(script, *arguments, code):
    (WORK / "train.py").write_text(script)
    return sng("check", "--compare", "out/result.json", "--kill-file-ops", "out", *arguments, "--", PYTHON, "train.py", code=code)


def kills_of(result):
    return [Kill(**kill) for kill in json.loads(result.stdout)["kills"]]


def outcomes(kills, outcome):
    return [" ".join(filter(None, (kill.operation, kill.path, kill.other_path))) for kill in kills if kill.outcome == outcome]


def test_atomic():
    """One that renames what is complete survives every kill, and loses what was not yet renamed."""
    kills = kills_of(check(ATOMIC, "--json", code=PASS))
    save = ["open new.json", "write new.json", "fsync new.json", "rename new.json last.json"]
    assert [kill.number for kill in kills] == list(range(1, 16)), kills
    assert outcomes(kills, "PASS") == ["mkdir ."] + [save[0]] * 3 + ["open result.json"], kills
    assert outcomes(kills, "LOST WORK") == save[1:] * 3 + ["write result.json"], kills
    assert kills[4].detail == "3 file operations were made once more", kills
    assert not list((WORK / "out").iterdir())


def test_in_place():
    """One that writes over its only checkpoint cannot go on where that is empty."""
    result = check(IN_PLACE, "--json", code=DIFFERENT)
    kills = kills_of(result)
    assert outcomes(kills, "HARD FAIL") == ["write last.json"] * 3, kills
    assert not outcomes(kills, "SILENT DIVERGENCE"), kills
    failed = next(kill for kill in kills if kill.outcome == "HARD FAIL")
    assert "status 1" in failed.detail and "JSONDecodeError" in failed.detail, failed
    summary = json.loads(result.stdout)["summary"]
    assert summary.startswith("DIVERGED: 12 kills before a file operation (") and "3 HARD FAIL); first HARD FAIL before 3 write last.json" in summary, summary


def test_stale():
    """One that goes on with the optimizer of another step is found, between the two renames and nowhere else."""
    kills = kills_of(check(STALE, "--json", code=DIFFERENT))
    silent = outcomes(kills, "SILENT DIVERGENCE")
    # Before the first checkpoint of the optimizer it is that of the start, and then that of the step before. After the last step nothing
    # is made of it any more.
    assert silent == ["open new.json", "write new.json", "fsync new.json", "rename new.json optimizer.json"] * 2, silent
    assert not outcomes(kills, "HARD FAIL"), kills
    assert all("result.json" in kill.detail for kill in kills if kill.outcome == "SILENT DIVERGENCE"), kills


def test_formats():
    """Operation, file and outcome are in every format."""
    text = check(STALE, "--output", WORK / "kept", code=DIFFERENT).stdout
    line = next(line for line in text.splitlines() if "SILENT DIVERGENCE" in line)
    assert line.split()[:3] == ["6", "open", "new.json"] and "result.json" in line, line
    assert text.rstrip().splitlines()[-1].startswith("DIVERGED: 27 kills"), text
    cases = xml.etree.ElementTree.parse(WORK / "kept/junit.xml").getroot().findall("testsuite/testcase")
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert len(failed) == 8 and failed[0] == "killed before 6 open new.json", failed
    page = (WORK / "kept/report.html").read_text()
    assert "8 diverged silently" in page and "<code>optimizer.json</code>" in page
    tap = check(STALE, "--tap", code=DIFFERENT).stdout
    assert "\nnot ok" in tap and ": killed before 9 rename new.json to optimizer.json\n" in tap, tap
    # The files of a kill are kept where something is wrong with it.
    kept = sorted(path.parent.name for path in (WORK / "kept/kills").glob("*/checkpoints"))
    assert len(kept) == 8 and kept[0] == "resume-000006", kept


def test_nondeterministic():
    result = check(RANDOM, "--json", "--kill-every", 100, code=INCONCLUSIVE)
    assert json.loads(result.stdout)["verdict"] == "NONDETERMINISTIC", result.stdout


def test_sampled():
    result = check(STALE, "--json", "--kill-every", 5, code=DIFFERENT)
    assert [kill.number for kill in kills_of(result)] == [1, 6, 11, 16, 21, 26, 27], result.stdout
    assert any("7 of 27" in note for note in json.loads(result.stdout)["notes"]), result.stdout


def test_hang():
    kills = kills_of(check(HANGS, "--json", "--kill-every", 5, "--timeout", 2, code=DIFFERENT))
    assert [kill.number for kill in kills] == [1, 6, 11, 12], kills
    assert outcomes(kills, "HARD FAIL") == ["write last.json", "open result.json", "write result.json"], kills
    assert "within 2 s" in kills[1].detail, kills


def test_recorder():
    """With a recorder the steps are known that were made once more."""
    result = sng("check", "--kill-file-ops", "{checkpoint-dir}", "--json", "--", *TRAINING, "cadence=3", code=PASS)
    kills = kills_of(result)
    assert {kill.outcome for kill in kills} == {"PASS", "LOST WORK"}, kills
    lost = {kill.detail for kill in kills if kill.outcome == "LOST WORK"}
    assert lost == {"it began anew: 2 steps were made once more", "2 steps were made once more"}, lost
    # It forgets its momentum whenever it resumes: where it has saved before.
    kills = kills_of(sng("check", "--kill-file-ops", "{checkpoint-dir}", "--json", "--", *TRAINING, "cadence=3", "forget", code=DIFFERENT))
    silent = [kill for kill in kills if kill.outcome == "SILENT DIVERGENCE"]
    assert silent and silent[0].detail.startswith("TrainLoss at step 4"), silent
    assert kills[0].outcome == "LOST WORK", kills
    # It leaves out a step, and all that it records is right.
    kills = kills_of(sng("check", "--kill-file-ops", "{checkpoint-dir}", "--json", "--", *TRAINING, "skip", "steps-only", "cadence=2", code=DIFFERENT))
    assert any("went on with step 8 after step" in kill.detail for kill in kills if kill.detail), kills


def test_children():
    """Operations of whatever the command starts count as well, and all of it is killed."""
    (WORK / "train.py").write_text(ATOMIC)
    script = f"mkdir -p out; {PYTHON} train.py; cp out/result.json out/copy.json"
    kills = kills_of(sng("check", "--compare", "out/*.json", "--kill-file-ops", "out", "--json", "--", "sh", "-c", script, code=PASS))
    assert [kill.operation for kill in kills[:2]] == ["mkdir", "mkdir"] and kills[-1].path == "copy.json", kills
    assert [kill.number for kill in kills] == list(range(1, len(kills) + 1)), kills


def test_part_of_the_directory():
    """The operations of one directory, and results in another."""
    script = ATOMIC.replace('"last.json"', '"states/last.json"').replace('"new.json"', '"states/new.json"')
    script = script.replace("out.mkdir(exist_ok=True)", "(out / 'states').mkdir(parents=True, exist_ok=True)")
    (WORK / "train.py").write_text(script)
    kills = kills_of(sng("check", "--compare", "out/result.json", "--kill-file-ops", "out/states", "--json", "--", PYTHON, "train.py", code=PASS))
    assert len(kills) == 13 and kills[4].path == "new.json" and kills[4].other_path == "last.json", kills


def test_errors():
    has_error(check(ATOMIC, "--stop-at", 3, code=ERROR), "--kill-file-ops")
    has_error(check(ATOMIC, "--kill-every", -1, code=ERROR), "--kill-every")
    has_error(sng("check", "--compare", "out/*", "--kill-file-ops", "elsewhere", "--", "true", code=ERROR), "elsewhere", "not below")
    has_error(sng("check", "--compare", "out/*", "--stop-command", "true", "--kill-file-ops", "out", "--", "true", code=ERROR), "stop-command")
    has_error(sng("check", "--compare", "out/result.json", "--kill-file-ops", "out/none", "--", PYTHON, "train.py", code=ERROR),
              "no file operation below", "out/none")
    assert "no disk" in check(FAILS, code=CHILD_FAILED).stderr
    before = ENVIRONMENT.get("SNG_SHIM")
    ENVIRONMENT["SNG_SHIM"] = str(WORK / "gone.so")
    try:
        has_error(check(ATOMIC, code=ERROR), "gone.so", "SNG_SHIM")
    finally:
        if before is None:
            del ENVIRONMENT["SNG_SHIM"]
        else:
            ENVIRONMENT["SNG_SHIM"] = before


if __name__ == "__main__":
    sys.exit(main(globals(), "kills"))
