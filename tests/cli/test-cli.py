#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the command as a whole, and what its commands say: test-cli.py SNG."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

from cli import DIFFERENT, ENVIRONMENT, ERROR, INCONCLUSIVE, PASS, ROOT, SNG, TEMPORARY, WORK, has_error, main, small_run, sng, wait_for


# ---- sng ----

def test_help():
    for arguments in (["--help"], ["-h"], ["help"]):
        text = sng(*arguments, code=PASS).stdout
        for command in ("demo", "diff", "faults", "show", "verify"):
            assert f"\n  {command}" in text, text
    for command in ("demo", "diff", "faults", "show", "verify"):
        assert f"sng {command}" in sng(command, "--help", code=PASS).stdout


def test_version():
    assert sng("--version", code=PASS).stdout == "sng 0.1.0\n"


def test_no_command():
    has_error(sng(code=ERROR), "--help")
    has_error(sng("dmeo", code=ERROR), '"dmeo"')


# ---- sng demo ----

def test_demo():
    result = sng("demo", code=PASS)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["metric", "entries", "verdict"], lines[0]
    assert lines[-1].startswith("PASS"), lines[-1]
    assert "\033" not in result.stderr and "\r" not in result.stderr, result.stderr
    for metric in ("LearningRate", "GlobalStepState", "ConsumedSamples", "OptimizerState", "SampleIds", "TrainInput", "TrainOutput", "TrainLoss",
                   "ValidInput", "ValidOutput", "ValidLoss", "ModelWeights", "GradientNorm", "RngState", "SchedulerState",
                   "InitConsumedSamples", "ValidationBatches"):
        line, = (line.split() for line in lines if line.startswith(metric + " "))
        assert int(line[1]) > 0 and line[2] == "PASS", line


def test_demo_json():
    report = json.loads(sng("demo", "--steps", 4, "--json", "--repeat", code=PASS).stdout)
    assert report["verdict"] == "PASS"
    assert len(report["metrics"]) == 20
    for metric in report["metrics"]:
        assert set(metric) >= {"name", "verdict", "compared", "first_divergence"}, metric
        assert metric["verdict"] == "PASS" and metric["compared"] > 0 and metric["first_divergence"] is None, metric


def test_demo_output():
    small_run("kept", "--stop-at", 3)
    kept = WORK / "kept"
    names = sorted(path.name for path in kept.iterdir())
    assert names == ["continuous", "junit.xml", "plan.json", "report.html", "report.json", "resume-000003", "stop-000003"], names
    for mode in ("continuous", "resume-000003", "stop-000003"):
        assert (kept / mode / "rank-00000.db").is_file()
    assert (kept / "stop-000003/checkpoints/step-00000003/state.json").is_file()
    assert json.loads((kept / "report.json").read_text())["verdict"] == "PASS"
    plan = json.loads((kept / "plan.json").read_text())
    assert (plan["steps"], plan["stops"], plan["settings"]["stop-step"]) == (4, "after step 3", 3), plan
    assert plan["environment"]["device"] == "cpu" and plan["command"][1] == "demo", plan

    before = sorted(kept.rglob("*"))
    has_error(small_run("kept", code=ERROR), kept, "not empty")
    has_error(sng("demo", "--output", kept / "plan.json", code=ERROR), "plan.json")
    assert sorted(kept.rglob("*")) == before


def test_demo_is_deterministic():
    small_run("one-thread", "--threads", 1)
    small_run("two-threads", "--threads", 2)
    small_run("other-seed", "--seed", 1)
    assert "different" not in sng("diff", WORK / "one-thread", WORK / "two-threads", code=PASS).stdout
    sng("diff", WORK / "one-thread", WORK / "other-seed", code=DIFFERENT)


def test_demo_steps():
    for steps in (2, 3, 9):
        sng("demo", "--steps", steps, code=PASS)
    sng("demo", "--steps", 5, "--stop-at", 1, code=PASS)
    # No validation is left for the resume.
    assert "nothing was due after the stop" in sng("demo", "--steps", 5, "--stop-at", 4, code=INCONCLUSIVE).stdout


def test_demo_files():
    fasta = WORK / "own.fasta"
    fasta.write_text("".join(f">protein {i}\n{'MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ'[i:] * 6}\n" for i in range(8)))
    sng("demo", "--fasta", fasta, "--steps", 4, code=PASS)
    sng("demo", "--text", ROOT / "COPYING", "--steps", 4, code=PASS)


def test_demo_ema():
    result = small_run("ema", "--ema", "0.9")
    line, = (line.split() for line in result.stdout.splitlines() if line.startswith("EmaState "))
    assert int(line[1]) > 0 and line[2] == "PASS", line
    small_run("no-ema")
    different = sng("diff", WORK / "ema", WORK / "no-ema", code=DIFFERENT).stdout
    assert "ValidLoss" in different and "TrainLoss" not in different, different
    for decay in ("1", "-0.5", "nan", "", "0.9x"):
        has_error(sng("demo", "--ema", decay, code=ERROR), "--ema", "from 0 to below 1")


def test_demo_optimizer():
    for name in ("adamw", "sgd"):
        result = small_run(name, "--optimizer", name)
        line, = (line.split() for line in result.stdout.splitlines() if line.startswith("OptimizerState "))
        assert int(line[1]) > 0 and line[2] == "PASS", line
    small_run("default-optimizer")
    assert "different" not in sng("diff", WORK / "adamw", WORK / "default-optimizer", code=PASS).stdout
    sng("diff", WORK / "adamw", WORK / "sgd", code=DIFFERENT)

    checkpoint = WORK / "sgd/continuous/checkpoints/step-00000004"
    shown = sng("show", checkpoint, code=PASS).stdout
    assert "momentum_buffer" in shown and "exp_avg" not in shown, shown


def test_demo_precision():
    for name in ("32", "bf16-mixed", "16-mixed"):
        lines = small_run(name, "--precision", name).stdout.splitlines()
        entries = {line.split()[0]: int(line.split()[1]) for line in lines if line.endswith("  PASS")}
        assert ("GradScalerState" in entries) == (name == "16-mixed"), lines
        # The first loss scale is too high: windows are skipped.
        assert (entries["TrainLoss"] > 4) == (name == "16-mixed"), lines
    small_run("default-precision")
    assert "different" not in sng("diff", WORK / "32", WORK / "default-precision", code=PASS).stdout
    text = sng("diff", WORK / "32", WORK / "bf16-mixed", code=DIFFERENT).stdout
    assert text.startswith('precision: "32" and "bf16-mixed"\ncontinuous\n') and " more only in " not in text, text


def test_demo_errors():
    fasta = WORK / "good.fasta"
    fasta.write_text(">a\nMKTAYIAKQR\n")
    bad = WORK / "bad.fasta"
    bad.write_text(">a\nMKTAYIAKQR\n>b\nMK1A\n")
    empty = WORK / "empty.fasta"
    empty.write_text("")
    output = WORK / "never"

    for arguments, parts in (
            (["--steps", 0], ["--steps", 0]), (["--steps", 1], ["--steps", 1]), (["--steps", -3], ["--steps", -3]),
            (["--steps", "many"], ["many"]), (["--steps", 99999999999], ["--steps", 99999999999]),
            (["--stop-at", 0], ["--stop-at", 0, 9]), (["--stop-at", 10], ["--stop-at", 10, 9]),
            (["--stop-at", -1], ["--stop-at", -1]), (["--seed", -1], ["--seed", -1]), (["--threads", 0], ["--threads", 0]),
            (["--threads", -2], ["--threads", -2]), (["--nonsense"], ["nonsense"]), (["--precision", "fp8"], ["--precision", '"fp8"', "32, bf16-mixed, 16-mixed"]), (["--optimizer", "adam"], ["--optimizer adam", "adamw", "sgd"]), (["argument"], ["argument"]),
            (["--fasta", fasta, "--text", fasta], ["--fasta", "--text"]), (["--fasta", "nowhere.fasta"], ["nowhere.fasta"]),
            (["--text", "nowhere.txt"], ["nowhere.txt"]), (["--fasta", bad], [bad, 4]), (["--fasta", empty], [empty]),
            (["--text", empty], [empty]), (["--fasta", WORK], [WORK]), (["--text", SNG], [SNG])):
        has_error(sng("demo", *arguments, "--output", output, code=ERROR), *parts)
        assert not output.exists(), arguments

    before = sorted(WORK.iterdir())
    has_error(sng("demo", "--output", "", code=ERROR), "--output")
    has_error(sng("demo", "--output", "/proc/nowhere", code=ERROR), "/proc/nowhere")
    assert sorted(WORK.iterdir()) == before


def test_demo_reader_is_gone():
    """A closed standard output: nothing temporary is left."""
    process = subprocess.Popen([SNG, "demo", "--steps", "2"], env=ENVIRONMENT, cwd=WORK, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.close()
    process.wait(timeout=60)
    assert not os.listdir(TEMPORARY), os.listdir(TEMPORARY)


def test_output_cannot_be_written():
    for arguments in (["--version"], ["--help"], ["demo", "--steps", "2"]):
        with open("/dev/full", "w") as full:
            result = subprocess.run([SNG, *arguments], env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == ERROR, (arguments, result.returncode)
        assert result.stderr.startswith("sng: the standard output"), result.stderr


def test_closed_streams():
    """No file that the command opens is taken for a stream."""
    command = f"exec '{SNG}' demo --steps 2 --output '{WORK}/closed' <&- >&- 2>&-"
    result = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, timeout=60)
    assert result.returncode == ERROR, result.returncode
    assert '"verdict" : "PASS"' in (WORK / "closed/report.json").read_text()


def test_removed_directory():
    """A relative name means nothing in a directory that is gone, least of all one below /."""
    gone = WORK / "gone"
    command = f"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && exec '{SNG}' demo --steps 2"
    for arguments, code in ((" --output sng-test-run", ERROR), ("", PASS)):
        result = subprocess.run(["sh", "-c", command + arguments], env=ENVIRONMENT, capture_output=True, text=True)
        assert result.returncode == code, result
        assert not os.path.exists("/sng-test-run")
    assert not os.listdir(TEMPORARY), os.listdir(TEMPORARY)


def test_ignored_signal():
    """Under nohup a hang-up ends nothing."""
    process = subprocess.Popen(["sh", "-c", f"trap '' HUP; exec '{SNG}' demo --steps 20"], env=ENVIRONMENT,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(TEMPORARY.rglob("rank-00000.db")), "the child does not train")
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == PASS, (process.returncode, stderr)


def test_strange_name():
    """A name that is no text in UTF-8."""
    result = subprocess.run([SNG, "demo", "--steps", "2", "--output", os.fsencode(WORK) + b'/n\xff "x'], env=ENVIRONMENT,
                            capture_output=True, text=True)
    assert result.returncode == PASS and result.stderr == "", result


# ---- sng faults ----

def test_faults():
    lines = sng("faults", code=PASS).stdout.splitlines()
    assert any(line.startswith("lr-reset ") for line in lines) and any(line.startswith("drop:STATE ") for line in lines), lines
    faults = {fault["id"]: fault for fault in json.loads(sng("faults", "--json", code=PASS).stdout)["faults"]}
    assert len(faults) >= 40 and all(fault["title"] and set(fault) == {"id", "title", "needs", "cause", "place", "metrics"} for fault in faults.values())
    assert faults["lr-reset"]["cause"] == "schedule" and "SchedulerState" in faults["lr-reset"]["metrics"], faults["lr-reset"]
    assert all(any(line.startswith(name + " ") for line in lines) for name in faults), lines
    has_error(sng("faults", "lr-reset", code=ERROR), "--help")


# ---- sng show ----

def test_show_sweep():
    """The runs of a sweep lie one directory deeper, and the first line tells how the training is stopped."""
    run = WORK / "swept"
    sng("demo", "--steps", "3", "--every-step", "--output", run, code=PASS)
    text = sng("show", run, code=PASS).stdout
    for part in ("3 steps, stopped after every step,", "swept/continuous: finished", "swept/sweep/resume-000002: finished, restored from step 2"):
        assert part in text, text
    run = WORK / "stopped"
    sng("demo", "--steps", "4", "--stops", "1:kill,2", "--output", run, code=PASS)
    assert "4 steps, stopped at 1:kill,2, seed 0" in sng("show", run, code=PASS).stdout


def test_show():
    small_run("shown")
    run = WORK / "shown"
    text = sng("show", run, code=PASS).stdout
    for part in ("4 steps", "stopped after step 2", "verdict: PASS", "continuous", "stop-000002", "resume-000002", "OptimizerState"):
        assert part in text, f"{part}: {text}"
    assert f"\n  command: {SNG} demo --steps 4 --output {run}\n" in text, text
    assert "restored from step 2" in sng("show", run / "resume-000002", code=PASS).stdout
    assert "TrainLoss" in sng("show", run / "continuous/rank-00000.db", code=PASS).stdout
    checkpoint = run / "stop-000002/checkpoints/step-00000002"
    text = sng("show", checkpoint, code=PASS).stdout
    assert "after step 2" in text and "esm.embeddings.word_embeddings.weight" in text and "global_step" in text, text
    text = sng("show", checkpoint / "model.safetensors", code=PASS).stdout
    assert "F32" in text and "[33, 128]" in text, text


def test_show_errors():
    (WORK / "strange").mkdir()
    (WORK / "strange.txt").write_text("nothing")
    (WORK / "broken.safetensors").write_text("nothing")
    (WORK / "broken.db").write_text("nothing")
    for name, part in (("nowhere", "does not exist"), ("strange", "safetensors"), ("strange.txt", "safetensors"),
                       ("broken.safetensors", ""), ("broken.db", "")):
        has_error(sng("show", WORK / name, code=ERROR), WORK / name, part)
    has_error(sng("show", code=ERROR), "--help")
    has_error(sng("show", "a", "b", code=ERROR), "--help")
    for name, content in (("plan.json", "[]"), ("plan.json", '{"steps": "x"}'), ("report.json", '{"verdict": 5}'),
                          ("plan.json", '{"steps": ' + 1000000 * "["), ("plan.json", "{} {}")):
        (WORK / "strange/plan.json").write_text('{"steps": 4, "stops": "after step 2", "seed": 0}')
        (WORK / "strange" / name).write_text(content)
        result = sng("show", WORK / "strange", code=ERROR)
        assert f"{WORK}/strange/{name}" in result.stderr, result.stderr
    (WORK / "strange/plan.json").write_text('{"steps": 4, "stops": "after step 2", "seed": 9223372036854775807}')
    (WORK / "strange/report.json").write_text('{"verdict": "PASS", "distance": 9223372036854775807}')
    assert "seed 9223372036854775807\n" in sng("show", WORK / "strange", code=PASS).stdout
    shutil.rmtree(WORK / "strange")


# ---- sng diff ----

def test_diff_runs():
    small_run("left")
    small_run("right")
    small_run("seed", "--seed", 5)
    left, right, seed = WORK / "left", WORK / "right", WORK / "seed"
    assert "equal" in sng("diff", left, right, code=PASS).stdout
    text = sng("diff", left, seed, code=DIFFERENT).stdout
    assert "continuous\nfirst: " in text and "step " in text and "(resume)" not in text and "different: " in text, text
    sng("diff", left / "continuous", right / "continuous/rank-00000.db", code=PASS)
    sng("diff", left / "continuous/rank-00000.db", seed / "continuous/rank-00000.db", code=DIFFERENT)


def test_diff_lone_entries():
    """What only one of the runs recorded is no part of what both did."""
    small_run("full")
    small_run("half", "--precision", "16-mixed")
    text = sng("diff", WORK / "full", WORK / "half", code=DIFFERENT).stdout
    lines = [line for line in text.splitlines() if line.startswith("TrainInput: ")]
    assert len(lines) == 3 and f" more only in {WORK}/half/continuous" in lines[0] and str(WORK / "full") not in text, text
    for different, of in re.findall(r": (\d+) of (\d+) entries", text):
        assert int(different) <= int(of), text


def test_diff_tensors():
    small_run("tensors")
    checkpoints = WORK / "tensors/continuous/checkpoints"
    second, fourth = checkpoints / "step-00000002", checkpoints / "step-00000004"
    stopped = WORK / "tensors/stop-000002/checkpoints/step-00000002"
    assert "equal" in sng("diff", second, stopped, code=PASS).stdout
    text = sng("diff", second, fourth, code=DIFFERENT).stdout
    assert "different: " in text and "model/" in text, text
    text = sng("diff", second / "model.safetensors", fourth / "model.safetensors", code=DIFFERENT).stdout
    assert "esm.embeddings.word_embeddings.weight" in text and "ULP" in text and "[" in text, text
    sng("diff", second / "model.safetensors", stopped / "model.safetensors", code=PASS)


def test_diff_errors():
    small_run("errors")
    run = WORK / "errors"
    has_error(sng("diff", run, WORK / "nowhere", code=ERROR), WORK / "nowhere")
    has_error(sng("diff", run, run / "continuous", code=ERROR), "run directory", "run store")
    has_error(sng("diff", run, code=ERROR), "--help")
    (WORK / "hollow").mkdir()
    (WORK / "hollow/plan.json").write_text("{}")
    has_error(sng("diff", WORK / "hollow", WORK / "hollow", code=ERROR), WORK / "hollow")


if __name__ == "__main__":
    sys.exit(main(globals(), "cli"))
