#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks all that "sng demo" makes of a training, and how it ends: test-demo.py SNG."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import xml.etree.ElementTree

from cli import (ENVIRONMENT, ERROR, INCONCLUSIVE, PASS, SNG, TEMPORARY, WORK, children_of, has_error, is_alive, main, small_run, sng,
                 sng_on_terminal, wait_for)


def test_stops():
    """Several stops, one of them without a farewell; every run is kept."""
    small_run("stops", "--stops", "1:kill-in-save=4,2:kill@backward,3:preempt=usr1")
    names = sorted(path.name for path in (WORK / "stops").iterdir() if path.is_dir())
    assert names == ["continuous", "resume-000001", "resume-000002", "resume-000003", "stop-000001"], names
    for name in names:
        sng("show", WORK / "stops" / name, code=PASS)
    for plan in ("boundaries", "random:7:3"):
        small_run(plan.replace(":", "-"), "--stops", plan)
        assert len(list(WORK.glob(plan.replace(":", "-") + "/resume-*"))) >= 1


def test_every_step():
    for horizon in (1, 2):
        kept = WORK / f"sweep-{horizon}"
        report = json.loads(sng("demo", "--steps", 5, "--every-step", "--horizon", horizon, "--jobs", 2, "--output", kept, "--json", code=PASS).stdout)
        assert report["verdict"] == "PASS" and len(report["parts"]) == 4, report
        for part in report["parts"]:
            assert part["verdict"] == "PASS" and len(part["metrics"]) > 10, part
        assert any("processor time" in note for note in report["notes"]), report["notes"]
        assert len(list((kept / "sweep").glob("resume-*"))) == 4


def test_stress():
    for stress in ("threads", "jitter", "slow-disk", "threads,jitter,slow-disk"):
        sng("demo", "--steps", 4, "--stress", stress, code=PASS)


def test_noise():
    report = json.loads(sng("demo", "--steps", 4, "--tolerance", "noise", "--output", WORK / "noise", "--json", code=PASS).stdout)
    assert report["verdict"] == "PASS" and (WORK / "noise/repeat").is_dir()


def test_device():
    """Where the plug-in is missing, or there is no such device, the check cannot be made; it says what is missing."""
    environment = {**ENVIRONMENT, "SNG_PLUGIN_DIR": "/nonexistent"}
    for name in ("cuda", "cuda:1"):
        process = subprocess.run([SNG, "demo", "--steps", "4", "--device", name], env=environment, cwd=WORK, capture_output=True, text=True)
        assert process.returncode == ERROR and process.stdout == "", process
        assert process.stderr.startswith("sng: ") and "/nonexistent/libsng-cuda.so" in process.stderr, process
    has_error(sng("demo", "--steps", 4, "--device", "abacus", code=ERROR), '"abacus"', '"cpu"', '"cuda"')
    small_run("on-cpu", "--device", "cpu")
    plan = json.loads((WORK / "on-cpu/plan.json").read_text())
    assert plan["settings"]["device"] == "cpu" and plan["settings"]["resume-device"] is None, plan
    # STOP and CONTINUOUS are made; the resume has no device.
    process = subprocess.run([SNG, "demo", "--steps", "4", "--resume-device", "cuda"], env=environment, cwd=WORK, capture_output=True, text=True)
    assert process.returncode == ERROR and "[repeat]" in process.stderr and "/nonexistent" in process.stderr, process


def test_environment():
    """Where the resume ran in another environment, that comes first; "sng show" and "sng diff" tell it as well."""
    kept = WORK / "environment"
    report = json.loads(sng("demo", "--steps", 4, "--output", kept, "--json", code=PASS).stdout)
    assert report["warnings"] == [], report["warnings"]
    for run in report["runs"]:
        assert run["environment"]["device"] == "cpu" and list(run["environment"]) == sorted(run["environment"]), run
    assert "warning" not in sng("show", kept, code=PASS).stdout
    assert "  environment: " in sng("show", kept / "continuous", code=PASS).stdout
    (kept / "report.json").write_text(json.dumps({**report, "warnings": ["environment: resume has driver 2, continuous 1"]}))
    assert "\n  warning: environment: resume has driver 2, continuous 1\n  verdict: PASS\n" in sng("show", kept, code=PASS).stdout


def test_fault():
    """Planted by their ids: found, each where it shows; one that nobody can have here is told as such."""
    report = json.loads(sng("demo", "--fault", "lr-reset", "--fault", "flip-bit:optimizer", "--fault", "rng-wrong-rank", "--json", code=PASS).stdout)
    faults = {fault["id"]: fault for fault in report["faults"]}
    assert list(faults) == ["lr-reset", "flip-bit:optimizer", "rng-wrong-rank"], faults
    for name, metric in (("lr-reset", "SchedulerState"), ("flip-bit:optimizer", "OptimizerState")):
        fault = faults[name]
        assert (fault["planted"], fault["detected"], fault["metric"], fault["step"]) == (True, True, metric, 7), fault
    assert faults["lr-reset"]["cause"] == "schedule" and "started over" in faults["lr-reset"]["diagnosis"], faults["lr-reset"]
    assert not faults["rng-wrong-rank"]["planted"] and "one rank" in faults["rng-wrong-rank"]["reason"], faults["rng-wrong-rank"]
    text = sng("demo", "--fault", "lr-reset", code=PASS).stdout
    assert re.search(r"^lr-reset +found +SchedulerState +7 ", text, re.M), text
    assert 'no state "nothing"' in sng("demo", "--fault", "drop:nothing", code=INCONCLUSIVE).stdout


def test_faults():
    """The whole catalogue, and the loss of each state of the training: nothing is missed."""
    report = json.loads(sng("demo", "--faults", "--json", "--jobs", 3, code=PASS).stdout)
    planted = [fault for fault in report["faults"] if fault["planted"]]
    assert report["verdict"] == "PASS" and len(planted) > 60 and all(fault["detected"] for fault in planted), report["summary"]
    ids = {fault["id"] for fault in planted}
    catalogue = {fault["id"] for fault in json.loads(sng("faults", "--json", code=PASS).stdout)["faults"] if "STATE" not in fault["id"]}
    assert catalogue - ids == {"rng-wrong-rank", "reshard"}, catalogue - ids
    assert ids >= {"drop:ema", "drop:early-stopping", "drop:validation-counter", "drop:grad-scaler", "drop:sampler"}, ids


def test_accumulation():
    report = json.loads(sng("demo", "--steps", 4, "--accumulation", "8,4x2,2x4", "--json", code=PASS).stdout)
    assert report["verdict"] == "PASS" and len(report["parts"]) == 2, report
    for plans, part in (("8", "at least 2"), ("8,4x3", "4x3"), ("8,x", '"x"'), ("", "at least 2")):
        has_error(sng("demo", "--accumulation", plans, code=ERROR), part)


def test_reports():
    """All forms of one report, each of which says the same."""
    html, junit = WORK / "report.html", WORK / "junit.xml"
    lines = sng("demo", "--steps", 4, "--every-step", "--html", html, "--junit", junit, "--tap", code=PASS).stdout.splitlines()
    assert lines[0].startswith("1..") or lines[0].startswith("TAP version"), lines[0]
    n_cases = sum(line.startswith("ok ") for line in lines)
    assert n_cases > 30 and not any(line.startswith("not ok") for line in lines), lines
    suites = xml.etree.ElementTree.parse(junit).getroot()
    assert len(suites.findall("testsuite")) == 3, junit.read_text()
    assert len(list(suites.iter("testcase"))) == n_cases and not list(suites.iter("failure"))
    page = html.read_text()
    assert page.lstrip().lower().startswith("<!doctype html") and "PASS" in page and "http://" not in page.split("<script")[0]


def test_report_files():
    """Where they cannot be written is told before anything runs."""
    for option in ("--html", "--junit"):
        for name, part in (("", "no name of a file"), (WORK, "no name of a file"), ("/nowhere/report", "/nowhere")):
            has_error(sng("demo", option, name, code=ERROR), option, part)
    # Whoever may write there finds out at the end, and has seen the report.
    result = sng("demo", "--steps", 2, "--junit", "/proc/report", code=ERROR)
    assert result.stderr.startswith("sng: ") and "/proc" in result.stderr, result
    assert os.geteuid() != 0 or "PASS: " in result.stdout, result


def test_combinations():
    """What makes no sense together is refused by name."""
    for arguments in (["--stop-at 3", "--stops 4"], ["--stop-at 3", "--every-step"], ["--stops 4", "--every-step"], ["--horizon 2"],
                      ["--jobs 2"], ["--every-step", "--faults"], ["--fault lr-reset", "--faults"], ["--faults", "--accumulation 8,4x2"],
                      ["--stops 4", "--accumulation 8,4x2"], ["--stress threads", "--accumulation 8,4x2"], ["--repeat", "--accumulation 8,4x2"],
                      ["--tolerance noise", "--accumulation 8,4x2"],
                      ["--every-step", "--resume-device cuda"], ["--faults", "--resume-device cuda"], ["--resume-device cuda", "--accumulation 8,4x2"], ["--horizon 2", "--faults"], ["--json", "--tap"]):
        result = sng("demo", *" ".join(arguments).split(), code=ERROR)
        has_error(result, arguments[0].split()[0], "--every-step" if arguments == ["--horizon 2", "--faults"] else arguments[-1].split()[0])
    for arguments, parts in ((["--stops", "7x"], ["--stops", '"7x"']), (["--stops", ""], ["--stops"]), (["--stops", "random:1"], ["--stops", "random:1"]),
                             (["--stress", "heat"], ["--stress heat", "threads", "jitter", "slow-disk"]), (["--stress", ""], ["--stress"]),
                             (["--stress", "none"], ["--stress none"]), (["--tolerance", "1e-3"], ["--tolerance 1e-3", "noise"]),
                             (["--every-step", "--horizon", 0], ["--horizon", 0]), (["--every-step", "--horizon", 11], ["--horizon", 11, 10]),
                             (["--every-step", "--jobs", 0], ["--jobs", 0]), (["--fault", "lr-rest"], ["--fault", '"lr-rest"', "off-by-one"])):
        has_error(sng("demo", *arguments, code=ERROR), *parts)


def start_long_demo():
    process = subprocess.Popen([SNG, "demo", "--steps", "100000"], env=ENVIRONMENT, cwd=WORK, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    child, = wait_for(lambda: children_of(process.pid), "no child was started")
    wait_for(lambda: list(TEMPORARY.rglob("rank-00000.db")), "the child does not train")
    return process, child


def test_interrupted():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process, child = start_long_demo()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
        assert process.returncode == 128 + number, process.returncode
        assert stdout == "" and stderr == "sng: interrupted\n", stderr
        assert not is_alive(child)
        assert not os.listdir(TEMPORARY)


def test_killed():
    process, child = start_long_demo()
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not is_alive(child), "the child has outlived its parent")
    shutil.rmtree(TEMPORARY)
    TEMPORARY.mkdir()


def test_child_fails():
    """A child that is killed: the error names the mode and the signal."""
    process, child = start_long_demo()
    os.kill(child, signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == ERROR, process.returncode
    assert stdout == "" and "[continuous]" in stderr and "signal 9" in stderr, stderr
    assert not os.listdir(TEMPORARY)


def test_interrupted_side_by_side():
    """Of runs that go side by side none outlives the command."""
    process = subprocess.Popen([SNG, "demo", "--steps", "30", "--every-step", "--horizon", "30", "--jobs", "3"], env=ENVIRONMENT, cwd=WORK,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    children = wait_for(lambda: len(found := children_of(process.pid)) == 3 and found, "no three children side by side")
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (128 + signal.SIGTERM, "", "sng: interrupted\n"), (process.returncode, stderr)
    assert not any(is_alive(child) for child in children)
    assert not os.listdir(TEMPORARY), os.listdir(TEMPORARY)


def test_progress():
    """On a terminal there is a bar, which is gone at the end; the standard output stays clean."""
    printed, text = sng_on_terminal("demo", "--steps", 4, "--json")
    json.loads(printed)
    for mode in ("stop", "resume", "continuous"):
        assert f"{mode}: step " in text, text
    assert " s left" in text, text


def test_progress_side_by_side():
    """All runs together fill one bar, which never goes back."""
    printed, text = sng_on_terminal("demo", "--steps", 6, "--every-step", "--horizon", 3, "--jobs", 2, "--json")
    json.loads(printed)
    done = [(int(step), int(total)) for step, total in re.findall(r"resume, 2 at a time: (\d+) of (\d+) steps in all", text)]
    assert len(done) > 5 and done == sorted(done), text
    filled = [line.count("#") for line in text.split("\r") if "[" in line and "]" in line]
    assert filled == sorted(filled) and filled[-1] > 12, filled


if __name__ == "__main__":
    sys.exit(main(globals(), "demo"))
