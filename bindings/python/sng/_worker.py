# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process that runs one mode of a sng.LoopHarness: _worker FILE CLASS REQUEST."""

import json
import sys
import traceback
from typing import Any

from sng._child import import_file
from sng.recorder import Recorder, StopAndGoException


def make_harness(file: str, name: str, request: dict[str, Any]) -> Any:
    found: Any = import_file(file, request["module"])
    for part in name.split("."):
        found = getattr(found, part)
    return found(**request["settings"])


def main(file: str, name: str, text: str) -> int:
    request = json.loads(text)
    sys.path[:] = request["path"]
    sys.argv[:] = [file]
    try:
        harness = make_harness(file, name, request)
        recorder = Recorder()
        harness.train(recorder.mode, recorder)
    except StopAndGoException:
        pass  # the stop that was planned
    except Exception as error:
        # From the user's file on: what lies above it is ours.
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != file and trace.tb_next is not None:
            trace = trace.tb_next
        shown = trace if trace is not None and trace.tb_frame.f_code.co_filename == file else error.__traceback__
        traceback.print_exception(error.with_traceback(shown))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
