#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks "sng check" with trainings that do what they should, and with those that do not: test-check.py SNG TRAINING."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree

from cli import (DIFFERENT, ENVIRONMENT, ERROR, INCONCLUSIVE, PASS, SNG, TEMPORARY, WORK, children_of, has_error, is_alive, main, sng,
                 sng_on_terminal, wait_for)

TIMED_OUT, CHILD_FAILED, NOT_RECORDED, OTHER_STEPS, NOT_RESUMED = range(4, 9)
TRAINING = [os.path.abspath(sys.argv[2]), "--train"]

# A training that nobody may touch: it knows nothing of a recorder, and writes a result to a place of its own.
UNTOUCHED = """
import json, os, pathlib, sys
out = pathlib.Path("out"); out.mkdir(exist_ok=True)
state = json.loads((out / "last.json").read_text()) if (out / "last.json").exists() and "--anew" not in sys.argv else {"step": 0, "w": 1.0, "m": 0.0}
if "--forget" in sys.argv and state["step"]: state["m"] = 0.0
last = int(os.environ.get("LAST", 10))
while state["step"] < last:
    state["m"] = 0.9 * state["m"] + state["w"]; state["w"] -= 0.1 * state["m"]; state["step"] += 1
    (out / "new.json").write_text(json.dumps(state)); os.replace(out / "new.json", out / "last.json")
(out / "history.csv").write_text("step,w\\n%d,%r\\n" % (state["step"], state["w"]))
"""


def check(*arguments, faults=(), code):
    return sng("check", *arguments, "--", *TRAINING, *faults, code=code)


def test_pass():
    """Clean under every kind of stop, and the runs are kept where they are wanted."""
    text = check("--output", WORK / "kept", "--stop-at", 4, code=PASS).stdout
    assert re.search(r"^ModelWeights +10 +PASS$", text, re.M) and text.rstrip().endswith("none differs"), text
    names = sorted(path.name for path in (WORK / "kept").iterdir())
    assert names == ["continuous", "junit.xml", "plan.json", "report.html", "report.json", "resume-000004", "stop-000004"], names
    shown = sng("show", WORK / "kept", code=PASS).stdout
    assert "kept: 10 steps, stopped at 4, " in shown and "kept/stop-000004: stopped after step 4\n" in shown and "not finished" not in shown, shown
    plan = json.loads((WORK / "kept/plan.json").read_text())
    assert plan["settings"]["stop-step"] == 4 and plan["command"] == TRAINING and "lr" not in plan["settings"], plan
    sng("diff", WORK / "kept/continuous", WORK / "kept/resume-000004", code=DIFFERENT)
    sng("verify", WORK / "kept/continuous", code=PASS)
    for stops in (["--stops", "3:kill,7"], ["--every-step"], ["--stops", "random:3:3"], ["--stops", "2,4:kill,6:preempt,8:kill"], []):
        check(*stops, "--steps", 10, faults=["preemptible", "cadence=2"] if stops else [], code=PASS)


def test_diverged():
    text = check(faults=["forget"], code=DIFFERENT).stdout
    assert "First divergence: TrainLoss at step 6" in text and "expected" in text and "ULP apart" in text, text
    report = json.loads(check("--json", faults=["forget"], code=DIFFERENT).stdout)
    assert report["verdict"] == "DIVERGED" and report["first_divergence"]["step"] == 6, report
    # The control was made, although nobody asked for it.
    assert {run["name"] for run in report["runs"]} >= {"continuous", "repeat", "stop-000005", "resume-000005"}, report["runs"]


def test_nondeterministic():
    report = json.loads(check("--json", faults=["random"], code=INCONCLUSIVE).stdout)
    assert report["verdict"] == "NONDETERMINISTIC", report["summary"]


def test_inconclusive():
    assert "record the loss" in check(faults=["steps-only"], code=INCONCLUSIVE).stdout


def test_codes():
    """Whatever a command does wrong has a message that says what to do, and an exit code of its own."""
    for faults, arguments, code, parts in (
            (["hang=3"], ["--timeout", 1], TIMED_OUT, ["within 1 s", "step 3"]),
            (["fail=2"], [], CHILD_FAILED, ["[continuous]", "status 7", "the disk is on fire"]),
            (["two-types"], [], CHILD_FAILED, ["TrainLoss is an integer at step 3"]),
            (["silent"], [], NOT_RECORDED, ["made no recorder", "sng.Recorder ()"]),
            (["fewer"], [], OTHER_STEPS, ["[stop]", "after step 3"]),
            ([], ["--steps", 11], OTHER_STEPS, ["is to have 11", "is 10"]),
            (["anew"], [], NOT_RESUMED, ["resume-000005 began with step 1", "SNG_MODE"]),
            (["cadence=8"], [], NOT_RESUMED, ["save earlier, or stop later"])):
        result = check(*arguments, faults=faults, code=code)
        assert result.stdout == "" and result.stderr.startswith("sng: "), result
        for part in parts:
            assert part in result.stderr, (part, result.stderr)


def test_output_is_shown():
    """What a run printed is in the error, and all of it in its directory."""
    result = check("--output", WORK / "failed", faults=["fail=4"], code=CHILD_FAILED)
    assert result.stderr.rstrip().endswith("the disk is on fire"), result.stderr
    assert "the disk is on fire" in (WORK / "failed/continuous/output.log").read_text()


def test_wrong_arguments():
    for arguments, parts in ((["--"], ["there is no command"]), ([], ["there is no command"]), (["true"], ["0 arguments"]),
                             (["--stops", "7x", "--", "true"], ["--stops", '"7x"']), (["--stop-at", "3", "--every-step", "--", "true"], ["only one"]),
                             (["--steps", "1", "--", "true"], ["--steps is 1"]), (["--steps", "5", "--stop-at", "5", "--", "true"], ["--stop-at is 5"]),
                             (["--timeout", "-1", "--", "true"], ["--timeout"]),
                             (["--stop-at", "0", "--", "true"], ["--stop-at is 0"]), (["--steps", "0", "--", "true"], ["--steps is 0"]), (["--tolerance", "0.1", "--", "true"], ["0.1", "noise"]),
                             (["--resume-command", "'", "--", "true"], ["--resume-command"]), (["--json", "--tap", "--", "true"], ["--json", "--tap"]),
                             (["--stops", "3@backward", "--", "true"], ["at the end of a step"]), (["--output", SNG, "--", "true"], ["--output"]),
                             (["--compare", "*.json", "--", "true"], ["directory of its own"]), (["--faults", "--", "true"], ["--faults"]),
                             (["--checkpoint-dir", "a", "--compare", "b/*", "--", "true"], ["b/*", "not below"])):
        has_error(sng("check", *arguments, code=ERROR), *parts)
    result = sng("check", "--", "/no/such/command", code=CHILD_FAILED)
    assert "/no/such/command" in result.stderr, result.stderr


def test_arguments_of_the_command():
    """What follows -- is the command's, options that look like ours as well; a place in it is filled in."""
    script = WORK / "echo.sh"
    script.write_text("echo $SNG_MODE \"$@\" >> $LOG; exec " + " ".join(TRAINING) + "\n")
    log = WORK / "echo.log"
    ENVIRONMENT["LOG"] = str(log)
    sng("check", "--resume-command", f"sh {script} --resume '{{checkpoint-dir}}/a b'", "--", "sh", script, "--json", "--", "x={checkpoint-dir}", code=PASS)
    lines = log.read_text().splitlines()
    place = lines[0].split("x=")[1]
    assert lines == [f"continuous --json -- x={place}", f"stop --json -- x={place}", f"resume --resume {place}/a b"], lines
    assert place.startswith("/") and not os.path.exists(place), place


def untouched(*flags, code, stop="LAST=4"):
    python = f"/usr/bin/python3 untouched.py {' '.join(flags)}"
    return sng("check", "--compare", "out/*.json", "--compare", "out/*.csv", "--json", "--stop-command", f"env {stop} {python}", "--",
               *python.split(), code=code)


def test_untouched():
    """Results of a command that records nothing are compared by their contents."""
    (WORK / "untouched.py").write_text(UNTOUCHED)
    for flags, code in (((), PASS), (("--forget",), DIFFERENT)):
        report = json.loads(untouched(*flags, code=code).stdout)
        metrics = {metric["name"]: metric["verdict"] for metric in report["metrics"]}
        assert set(metrics) == {"Files", "last.json", "history.csv"}, metrics
        assert metrics["Files"] == "PASS" and metrics["history.csv"] == ("PASS" if code == PASS else "DIVERGED"), metrics
    # One that begins anew, and one that was over before it was stopped, show nothing.
    assert "read none of the files that STOP left" in untouched("--anew", code=NOT_RESUMED).stderr
    shutil.rmtree(WORK / "out")
    assert "nothing was left to resume" in untouched(code=INCONCLUSIVE, stop="LAST=10").stdout
    assert not list((WORK / "out").iterdir())
    has_error(sng("check", "--stop-command", "true", "--", "true", code=ERROR), "stop-command", "compare")
    result = sng("check", "--compare", "out/*.json", "--", "/usr/bin/python3", "untouched.py", code=NOT_RECORDED)
    assert "stop-command" in result.stderr, result


def test_checkpoint_dir():
    """A command that always writes to one place; what is there already stays, and is in the way."""
    place = WORK / "always"
    ENVIRONMENT["TRAIN_DIR"] = str(place)
    try:
        check("--checkpoint-dir", place, code=PASS)
        assert not list(place.iterdir())
        (place / "precious").write_text("x")
        has_error(check("--checkpoint-dir", place, code=ERROR), place, "precious", "not empty")
        assert (place / "precious").read_text() == "x"
    finally:
        del ENVIRONMENT["TRAIN_DIR"]


def test_reports():
    html, junit = WORK / "check.html", WORK / "check.xml"
    lines = check("--tap", "--html", html, "--junit", junit, faults=["forget"], code=DIFFERENT).stdout.splitlines()
    assert any(line.startswith("not ok") and "TrainLoss" in line for line in lines), lines
    assert len(list(xml.etree.ElementTree.parse(junit).getroot().iter("failure"))) >= 3
    assert "DIVERGED" in html.read_text()
    has_error(check("--html", "/nowhere/report", code=ERROR), "/nowhere")


def test_progress():
    printed, text = sng_on_terminal("check", "--json", "--", *TRAINING)
    json.loads(printed)
    for mode in ("continuous", "stop", "resume"):
        assert mode in text, text


def test_interrupted():
    """Ctrl-C ends the command, and all that it has started, and leaves nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([SNG, "check", "--", "sh", "-c", f"{' '.join(TRAINING)} hang=2 & wait"], env=ENVIRONMENT, cwd=WORK,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: list(TEMPORARY.rglob("progress")), "the command does not train")
        shell, = children_of(process.pid)
        training, = wait_for(lambda: children_of(shell), "there is no training")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        assert (process.returncode, stdout, stderr) == (128 + number, "", "sng: interrupted\n"), (process.returncode, stderr)
        wait_for(lambda: not is_alive(shell) and not is_alive(training), "the training has outlived the check")
        assert not os.listdir(TEMPORARY)


def test_killed():
    """Nor does the command outlive a check that is killed."""
    process = subprocess.Popen([SNG, "check", "--", *TRAINING, "hang=2"], env=ENVIRONMENT, cwd=WORK, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child, = wait_for(lambda: children_of(process.pid), "no child was started")
    wait_for(lambda: list(TEMPORARY.rglob("progress")), "the command does not train")
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not is_alive(child), "the child has outlived its parent")
    shutil.rmtree(TEMPORARY)
    TEMPORARY.mkdir()


if __name__ == "__main__":
    sys.exit(main(globals(), "check"))
