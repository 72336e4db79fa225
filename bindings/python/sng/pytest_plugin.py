# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes tests of harnesses. Installed with the package; from a source tree: pytest -p sng.pytest_plugin."""

import os
from collections.abc import Iterable
from typing import Any

import pytest

from sng.checks import Check, CheckFailed, CheckId, CheckSkipped, Options, get_message, is_harness


def pytest_addoption(parser: Any) -> None:
    group = parser.getgroup("sng", "stop-and-go")
    group.addoption("--sng-every-step", action="store_true", help="stop after every step, and resume from each")
    group.addoption("--sng-faults", action="store_true", help="plant each fault that is known, and see that it is found")
    group.addoption("--sng-report", metavar="DIR", help="save the report of each harness there, as HTML, JSON and JUnit")


def pytest_pycollect_makeitem(collector: Any, name: str, obj: object) -> Any:
    if not is_harness(obj) or not collector.classnamefilter(name) or not getattr(obj, "__test__", True):
        return None
    return HarnessClass.from_parent(collector, name=name, obj=obj)


def is_child() -> bool:
    """Whether a harness that is no sng.StopAndGoHarness has started the program again, which is pytest."""
    return "SNG_CHILD_RUN" in os.environ


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Any:
    """The harness shows what its child printed, so there nothing is captured."""
    if is_child():
        early_config.known_args_namespace.capture = "no"
    yield


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """A child comes to the test that has started it, and to no other."""
    current = os.environ.get("PYTEST_CURRENT_TEST")
    if is_child() and current:
        wanted = current.rsplit(" ", 1)[0]
        deselected = [item for item in items if item.nodeid != wanted]
        items[:] = [item for item in items if item.nodeid == wanted]
        config.hook.pytest_deselected(items=deselected)


def get_options(config: Any) -> Options:
    return Options(config.getoption("--sng-every-step"), config.getoption("--sng-faults"), config.getoption("--sng-report"))


class HarnessClass(pytest.Class):
    """A harness's class: a test for each metric, and those that it has itself."""

    check: Check
    first_item: str | None = None  # the test that was told what stood in the way of a report

    def collect(self) -> Iterable[Any]:
        self.check = Check(self.obj, get_options(self.config))
        own = list(self.collect_own())
        names = {getattr(item, "originalname", item.name) for item in own}
        for check in self.check.get_ids():
            if check.name not in names:
                yield HarnessItem.from_parent(self, name=str(check), check=check)
        yield from own

    def collect_own(self) -> Iterable[Any]:
        """Methods named test_…, which find the harness of all tests in self."""
        self.session._fixturemanager.parsefactories(self.newinstance(), self.nodeid)
        methods: Iterable[Any] = super(pytest.Class, self).collect()
        return methods

    def newinstance(self) -> Any:
        return self.check.harness


class HarnessItem(pytest.Item):
    """One metric."""

    def __init__(self, *, check: CheckId, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.check_id = check

    def get_class(self) -> HarnessClass:
        assert isinstance(self.parent, HarnessClass)
        return self.parent

    def runtest(self) -> None:
        try:
            self.get_class().check.run(self.check_id)
        except CheckSkipped as reason:
            pytest.skip(str(reason))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, CheckFailed):
            return str(excinfo.value)
        return describe_error(self, excinfo, super().repr_failure)

    def reportinfo(self) -> Any:
        path, line, _ = self.get_class().reportinfo()
        return path, line, f"{self.get_class().obj.__qualname__}.{self.name}"


def describe_error(item: HarnessItem, excinfo: Any, represent: Any) -> Any:
    """What stood in the way of a report is told in full once: as pytest would an exception of the user's code, and without
    a stack where the message has that of another process."""
    from sng._gi import GLib
    harness_class = item.get_class()
    name = harness_class.obj.__qualname__
    if harness_class.first_item not in (None, item.nodeid):
        return f"{name}: there is no report, see {harness_class.first_item}"
    harness_class.first_item = item.nodeid
    if isinstance(excinfo.value, GLib.Error):
        return f"{name}: the check could not be made: {get_message(excinfo.value)}"
    package = os.path.dirname(os.path.abspath(__file__))
    users = excinfo.traceback.filter(lambda entry: not str(entry.path).startswith(package) and "/gi/" not in str(entry.path))
    if not users:
        return f"{name}: the check could not be made: {type(excinfo.value).__name__}: {get_message(excinfo.value)}"
    excinfo.traceback = users
    return represent(excinfo)
