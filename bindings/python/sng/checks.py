# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A harness as a list of tests that share one run of it: what pytest and unittest have in common."""

import os
import re
from dataclasses import dataclass, field
from typing import Any

# What the report of a stop-and-go has beside the callbacks' metrics.
CONSUMED_SAMPLES = "InitConsumedSamples"
VALIDATION_BATCHES = "ValidationBatches"
NAMED_TESTS = {
    "test_train_val_init_consumed_samples": CONSUMED_SAMPLES,
    "test_identical_number_of_validation_batches": VALIDATION_BATCHES,
}
RUN_METRICS = ["Coverage", "Stops"]

# For a harness that cannot tell which metrics it will record, as one around somebody else's loop.
USUAL_METRICS = [
    "GlobalStepState", "ConsumedSamples", "SchedulerState", "LearningRate", "GradScalerState", "RngState", "SampleIds",
    "TrainInput", "TrainOutput", "TrainLoss", "GradientNorm", "OptimizerState", "ModelWeights", "EmaState", "ValidInput",
    "ValidOutput", "ValidLoss",
]

FORMATS = {"html": "HTML", "json": "JSON", "xml": "JUNIT"}


class CheckFailed(Exception):
    """What is to be shown, in place of a stack."""


class CheckSkipped(Exception):
    """Why there is nothing to check."""


@dataclass(frozen=True)
class CheckId:
    """One test. The parameter is a metric, a step or the id of a fault, or nothing."""

    name: str
    parameter: str = ""

    def __str__(self) -> str:
        return f"{self.name}[{self.parameter}]" if self.parameter else self.name


@dataclass
class Options:
    every_step: bool = False
    faults: bool = False
    report_dir: str | None = None


def is_harness(cls: object) -> bool:
    """Whether a class does what a harness does, derived from it or not."""
    return isinstance(cls, type) and all(callable(getattr(cls, name, None))
                                         for name in ("run_stop_and_go", "get_report", "check_metric"))


def get_message(error: BaseException) -> str:
    return str(getattr(error, "message", error))


@dataclass
class Check:
    """The run of a harness's class, and what it says to each test."""

    cls: Any
    options: Options = field(default_factory=Options)
    _harness: Any = None
    _reports: dict[str, Any] = field(default_factory=dict)

    @property
    def harness(self) -> Any:
        if self._harness is None:
            self._harness = self.cls()
        return self._harness

    def get_ids(self) -> list[CheckId]:
        """The tests, without a run."""
        get_names = getattr(self.harness, "get_metric_names", None)
        names = get_names() if get_names is not None else USUAL_METRICS
        metrics = [name for name in names if name not in NAMED_TESTS.values()] + RUN_METRICS
        ids = [CheckId("test_stop_and_go_consistency", name) for name in dict.fromkeys(metrics)]
        ids += [CheckId(name) for name in NAMED_TESTS]
        if get_names is None:
            ids.append(CheckId("test_stop_and_go_other_metrics"))
        if self.options.every_step and hasattr(self.harness, "run_sweep"):
            ids += [CheckId("test_stop_and_go_at_step", str(step)) for step in range(1, self.harness.num_steps)]
        if self.options.faults and hasattr(self.harness, "run_faults"):
            from sng._gi import Sng
            ids += [CheckId("test_fault_is_found", fault.get_id()) for fault in Sng.Fault.list()]
        return ids

    def run(self, check: CheckId) -> None:
        """Raises CheckFailed, CheckSkipped, or what stood in the way of a report."""
        if check.name == "test_fault_is_found":
            self.judge_fault(check.parameter)
        elif check.name == "test_stop_and_go_at_step":
            self.judge_step(int(check.parameter))
        elif check.name == "test_stop_and_go_other_metrics":
            self.judge_others()
        else:
            self.judge_metric(NAMED_TESTS.get(check.name, check.parameter))

    def get_report(self, kind: str = "stop_and_go") -> Any:
        """That of the one run there is; what it raised, it raises again."""
        if kind not in self._reports:
            try:
                self._reports[kind] = self.make_report(kind)
            except Exception as error:
                self._reports[kind] = error
        if isinstance(self._reports[kind], Exception):
            raise self._reports[kind]
        return self._reports[kind]

    def make_report(self, kind: str) -> Any:
        if kind == "faults":
            report = self.cls().run_faults(None)
        elif self.options.every_step and hasattr(self.harness, "run_sweep"):
            report = self.harness.run_sweep()
        else:
            if self.options.every_step:
                self.harness.stop_plan = "every"
            report = self.harness.run_stop_and_go()
        if self.options.report_dir is not None:
            self.save(report, self.cls.__qualname__ if kind == "stop_and_go" else f"{self.cls.__qualname__}-{kind}")
        return report

    def save(self, report: Any, name: str) -> None:
        from sng._gi import Sng
        assert self.options.report_dir is not None
        os.makedirs(self.options.report_dir, exist_ok=True)
        stem = os.path.join(self.options.report_dir, re.sub(r"[^\w.-]+", "-", name))
        for extension, form in FORMATS.items():
            report.save(f"{stem}.{extension}", getattr(Sng.ReportFormat, form))

    def judge_metric(self, metric: str) -> None:
        report = self.get_report()
        result = report.lookup_metric(metric)
        if result is None:
            raise CheckSkipped(f"{metric} does not apply to this training")
        if result.get_verdict().value_nick != "pass":
            raise CheckFailed(self.describe(report, result))

    def judge_others(self) -> None:
        """Metrics that no other test is for, and a verdict that none of them explains."""
        known = {*NAMED_TESTS.values(), *(check.parameter for check in self.get_ids())}
        report = self.get_report()
        others = [result for result in report.get_metrics() if result.get_name() not in known]
        is_explained = any(result.get_verdict().value_nick != "pass" for result in report.get_metrics())
        if report.get_verdict().value_nick != "pass" and not is_explained:
            raise CheckFailed(f"{self.cls.__qualname__}: {report.get_summary()}")
        if not others:
            raise CheckSkipped("each metric of the report has a test of its own")
        failed = [self.describe(report, result) for result in others if result.get_verdict().value_nick != "pass"]
        if failed:
            raise CheckFailed("\n".join(failed))

    def judge_step(self, step: int) -> None:
        parts = list(self.get_report().get_parts())
        if step > len(parts):
            raise CheckSkipped("the training ended before this stop")
        if parts[step - 1].get_verdict().value_nick != "pass":
            raise CheckFailed(parts[step - 1].to_text())

    def judge_fault(self, fault: str) -> None:
        results = {result.get_id(): result for result in self.get_report("faults").get_faults()}
        if fault not in results or not results[fault].get_planted():
            raise CheckSkipped(results[fault].get_reason() if fault in results else "it does not apply to this training")
        if not results[fault].get_detected():
            raise CheckFailed(f"{self.cls.__qualname__}: a training with the fault {fault} ({results[fault].get_title()}) would pass: "
                              "no metric that is recorded shows it")

    def describe(self, report: Any, result: Any) -> str:
        """The first divergence of a metric, and what the report makes of the whole."""
        first = result.get_first_divergence()
        lines = [f"{self.cls.__qualname__}: {result.get_name()}: {result.get_verdict().value_nick.upper()}"]
        lines.append(first.to_string() if first is not None else result.get_reason() or "")
        leading = report.get_first_divergence()
        if first is not None and leading is not None and leading.get_metric() != result.get_name():
            lines.append(f"the first divergence of the run: {leading.to_string()}")
        diagnosis = report.get_diagnosis()
        if first is not None and diagnosis is not None:
            lines.append(f"diagnosis: {diagnosis.to_string()}")
        return "\n".join(line for line in lines if line)
