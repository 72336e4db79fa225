# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reports as the page takes them, made by hand."""

import copy
import math

METRICS = ["GlobalStepState", "ConsumedSamples", "LearningRate", "SchedulerState", "OptimizerState", "ModelWeights",
           "RngState", "RegisteredState", "TrainInput", "TrainOutput", "TrainLoss", "GradientNorm", "ValidInput",
           "ValidOutput", "ValidLoss", "EmaState", "GradScalerState", "SampleIds", "InitConsumedSamples",
           "ValidationBatches"]
BEFORE_A_STEP = {"GlobalStepState", "ConsumedSamples", "LearningRate", "SchedulerState", "OptimizerState",
                 "ModelWeights", "RngState", "RegisteredState", "EmaState", "GradScalerState"}
ENVIRONMENT = {"libsng": "0.1.0", "processor": "AMD EPYC 9654", "instruction set": "AVX-512, bf16",
               "oneDNN": "2.6.3", "threads": "2", "SNG_THREADS": "(none)", "host": "trainer-01"}


def loss(step, off=0.0):
    return 3.4 * math.exp(-step / 14) + 0.11 * math.sin(step * 1.7) + 1.1 + off


def learning_rate(step):
    return 4e-4 * min(step / 5, 1.0) * (1.0 if step < 12 else 0.5)


def make_run(name, mode, first, last, restored=None, interrupt=None, checkpoints=(), cadence=5, wrong_from=None, choices={}, **environment):
    begin = first if restored is None else restored + 1
    wrong = range(wrong_from, last + 1) if wrong_from is not None else ()
    steps = list(range(max(begin, 1), last + 1))
    norm = [1.2 + 0.6 * math.cos(s) * math.exp(-s / 20) for s in steps]
    run = {
        "name": name, "mode": mode, "entries": 40 * len(steps), "first_step": first, "last_step": last,
        "interrupt": interrupt, "restored_step": restored, "checkpoints": list(checkpoints),
        "validations": [s for s in steps if s % cadence == 0],
        "environment": {**choices, **ENVIRONMENT, **environment},
        "series": [
            {"name": "TrainLoss", "steps": steps, "values": [loss(s, 0.05 * (s in wrong)) for s in steps]},
            {"name": "LearningRate", "steps": [first] + steps if first == 0 else steps,
             "values": [learning_rate(s - (s in wrong)) for s in ([first] + steps if first == 0 else steps)]},
            {"name": "GradientNorm", "steps": steps, "values": norm},
            {"name": "ValidLoss", "steps": [s for s in steps if s % cadence == 0],
             "values": [loss(s) + 0.2 for s in steps if s % cadence == 0]},
        ],
    }
    return {key: value for key, value in run.items() if value is not None}


def make_metric(name, last, cadence=5, wrong_from=None):
    validation = name.startswith("Valid")
    if name == "InitConsumedSamples":
        steps = [[0, 0, 6, 0]]
    elif validation:
        steps = [[s, s, 4, 0] for s in range(cadence, last + 1, cadence)]
    elif name in BEFORE_A_STEP:
        steps = [[s, s, 38 if name == "ModelWeights" else 2, 0] for s in range(0, last + 1)]
    else:
        steps = [[s, s, 2, 0] for s in range(1, last + 1)]
    for step in steps:
        if wrong_from is not None and step[0] >= wrong_from:
            step[3] = max(1, step[2] - (step[0] % 3))
    different = sum(step[3] for step in steps)
    return {"name": name, "verdict": "DIVERGED" if different else "PASS", "compared": sum(step[2] for step in steps),
            "different": different, "reason": None, "first_divergence": None, "steps": steps}


def make_pass(last=20, title="demo"):
    metrics = [make_metric(name, last) for name in METRICS]
    return {
        "title": title, "verdict": "PASS",
        "summary": f"PASS: {len(metrics)} metrics, {sum(m['compared'] for m in metrics)} entries compared, none differs",
        "first_divergence": None, "diagnosis": None, "elements": None, "metrics": metrics,
        "runs": [
            make_run("continuous", "continuous", 0, last, checkpoints=range(4, last + 1, 4)),
            make_run("repeat", "repeat", 0, last),
            make_run("stop-000007", "stop", 0, 7, interrupt="7:preempt=usr1", checkpoints=[4, 7]),
            make_run("resume-000007", "resume", 7, 13, restored=7, interrupt="13:kill@backward.1", checkpoints=[8, 12]),
            make_run("resume-000012", "resume", 12, 16, restored=12, interrupt="16:kill-in-save=3", checkpoints=[16]),
            make_run("resume-000016", "resume", 16, last, restored=16, checkpoints=[last]),
        ],
        "parts": [], "faults": [], "notes": ["The training ran under --stress threads,slow-disk."],
    }


def make_diverged(last=20):
    report = make_pass(last)
    wrong = {"LearningRate": 8, "SchedulerState": 7, "OptimizerState": 9, "ModelWeights": 9, "TrainOutput": 9,
             "TrainLoss": 9, "GradientNorm": 9, "ValidOutput": 10, "ValidLoss": 10}
    report["metrics"] = [make_metric(name, last, wrong_from=wrong.get(name)) for name in METRICS]
    report["metrics"][METRICS.index("EmaState")] = {
        "name": "EmaState", "verdict": "INCONCLUSIVE", "compared": 0, "different": 0,
        "reason": "the continuous run recorded nothing of it", "first_divergence": None, "steps": []}
    report["runs"] = [
        make_run("continuous", "continuous", 0, last, checkpoints=range(4, last + 1, 4),
                 choices={"cublaslt 3x64x32 nn f32": "algorithm 66 tile 20 stages 8 split 1"}),
        make_run("stop-000007", "stop", 0, 7, interrupt="7:raise", checkpoints=[4, 7]),
        make_run("resume-000007", "resume", 7, last, restored=7, checkpoints=[8, 12, 16, 20], wrong_from=8,
                 choices={"cublaslt 3x64x32 nn f32": "algorithm 21 tile 18 stages 8 split 4 reduction 2"},
                 threads="4", host="trainer-02"),
    ]
    report["verdict"] = "DIVERGED"
    report["summary"] = "DIVERGED: 9 of 20 metrics; first SchedulerState at step 7, train (resume)"
    report["first_divergence"] = {
        "metric": "SchedulerState", "stage": "train", "step": 7, "micro_batch": -1, "rank": 0, "path": "last_step",
        "run": "resume", "place": "step 7, train, \"last_step\"", "expected": "7", "actual": "6", "detail": "right after the restore"}
    report["diagnosis"] = {
        "cause": "schedule",
        "sentence": "The learning rate at step 8 equals step 7's: the schedule is one step behind.",
        "evidence": ["SchedulerState last_step is 6 after the restore, and 7 in the continuous run",
                     "LearningRate at steps 8 to 20 equals that of the step before it",
                     "OptimizerState and ModelWeights are equal up to step 8"]}
    report["elements"] = {
        "name": "layers.2.attention.output.weight", "elements": 16384, "different": 15990,
        "first_index": [17, 93], "expected": "-0.013427734", "expected_bits": "0xbc5c0000", "actual": "-0.013430119",
        "actual_bits": "0xbc5c0a00", "first_distance": 2560, "max_distance": 183422, "max_difference": 2.1e-05,
        "histogram": [394, 1212, 3131, 8222, 3001, 30], "unordered": 2}
    return report


def make_sweep(points=19):
    report = make_pass(points + 1, title="demo, every stop")
    parts = []
    for stop in range(1, points + 1):
        metrics = [make_metric(name, stop + 1) for name in METRICS if not name.startswith("Valid") or stop % 5 == 4]
        for metric in metrics:
            metric["steps"] = [step for step in metric["steps"] if step[0] >= stop]
        verdict = "PASS"
        if stop in (9, 14):
            verdict = "DIVERGED"
            for metric in metrics:
                if metric["name"] in ("OptimizerState", "ModelWeights"):
                    metric.update(verdict="DIVERGED", different=3)
        if stop == 1:
            verdict = "INCONCLUSIVE"
            metrics[2].update(verdict="INCONCLUSIVE", reason="it never changed in 2 entries, and is expected to")
        parts.append({"title": f"stop after step {stop}", "verdict": verdict, "metrics": metrics, "runs": [],
                      "parts": [], "faults": [], "notes": [],
                      "summary": f"{verdict}: 2 of {len(metrics)} metrics; first OptimizerState at step {stop}, train (resume)"
                      if verdict == "DIVERGED" else f"{verdict}: {len(metrics)} metrics"})
    report.update(verdict="DIVERGED", summary=f"DIVERGED: 2 of {points} parts; first stop after step 9", parts=parts,
                  notes=[f"{points} stop points took 2.1 times as long as the uninterrupted run, in 2 processes side by side."])
    report["metrics"] = []
    report["runs"] = [make_run("continuous", "continuous", 0, points + 1, checkpoints=range(1, points + 2))] + [
        make_run(f"sweep/resume-{stop:06}", "resume", stop, stop + 1, restored=stop) for stop in range(1, points + 1)]
    return report


def make_faults():
    report = make_pass()
    report["title"] = "demo, all faults"
    rows = [("rng-reseeded", "rng/dropout", True, True, "RngState", 7, "rng", "rng", False),
            ("data-restart", "sampler", True, True, "RegisteredState", 7, "data", "data", True),
            ("data-exhausted", "sampler", False, False, None, None, None, "data", False),
            ("lr-reset", "scheduler", True, True, "SchedulerState", 7, "schedule", "schedule", False),
            ("opt-dropped", "optimizer", True, True, "OptimizerState", 7, "optimizer", "optimizer", True),
            ("opt-second-moment", "optimizer", True, True, "OptimizerState", 7, "optimizer", "optimizer", False),
            ("weights-bf16", "model", True, True, "ModelWeights", 7, "unknown", "weights", False),
            ("ema-reset", "ema", True, False, None, None, None, "averages", False),
            ("scaler-reset", "grad-scaler", False, False, None, None, None, "scaler", False),
            ("silent-scratch", "everything", True, True, "GlobalStepState", 7, "checkpoint", "checkpoint", True)]
    report["faults"] = [
        {"id": row[0], "title": "What users meet when this state is lost", "state": row[1],
         "reason": None if row[2] else "the state is that of a fresh start", "planted": row[2], "detected": row[3], "found_by": row[4], "metric": row[4], "step": row[5],
         "cause": row[6], "expected_cause": row[7], "found_by_original": row[8],
         "diagnosis": f"{row[4]} at step {row[5]} is not what was saved." if row[3] else None} for row in rows]
    report.update(verdict="INCONCLUSIVE", summary="INCONCLUSIVE: 1 of 8 planted faults was missed")
    return report


def make_large(last=1000):
    report = make_diverged(last)
    report["title"] = "a thousand steps"
    for index, metric in enumerate(report["metrics"]):
        metric["name"] = f"Metric{index:02}"
    return report


HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">'\"&amp;<!--"


def make_hostile():
    """Every text of a report is hostile but those that are words of our own."""
    own = {"verdict", "mode", "class", "label"}

    def poison(value, key=None):
        if isinstance(value, dict):
            return {key if key in KEYS else key + HOSTILE: poison(child, key) for key, child in value.items()}
        if isinstance(value, list):
            return [poison(child, key) for child in value]
        return value + HOSTILE if isinstance(value, str) and key not in own else value

    report = make_faults()
    diverged = make_diverged()
    KEYS = {"title", "verdict"}

    def collect(value):
        if isinstance(value, dict):
            for key, child in value.items():
                if key not in ENVIRONMENT:
                    KEYS.add(key)
                collect(child)
        elif isinstance(value, list):
            for child in value:
                collect(child)

    for key in ("first_divergence", "diagnosis", "elements", "metrics"):
        report[key] = copy.deepcopy(diverged[key])
    report["parts"] = make_sweep(3)["parts"]
    collect(report)
    return poison(report)


def make_empty():
    """Nobody recorded a gradient norm, nor anything but steps."""
    report = make_pass()
    for run in report["runs"]:
        run["series"] = [series for series in run["series"] if series["name"] != "GradientNorm"]
    return report
