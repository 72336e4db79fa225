# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process that runs one mode of a harness: it imports the file of the class, and makes the same harness.

What started the check, be it a script or pytest, is not run again: so no other test runs in a child."""

import base64
import importlib
import importlib.util
import os
import pickle
import sys
from typing import Any


def get_file(cls: type) -> str | None:
    path = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return os.path.abspath(path) if path else None


def get_command(harness: Any) -> list[str] | None:
    """The command of the child; None where it must be this process's own: a class in a function, or in no file."""
    cls = type(harness)
    file = get_file(cls)
    if file is None or "<locals>" in cls.__qualname__:
        return None
    specs = [spec for spec in harness.list_properties() if spec.flags & 2 and spec.name != "command"]  # writable
    properties = {spec.name: harness.get_property(spec.name) for spec in specs}
    plain = {name: value if isinstance(value, (str, float, type(None))) else int(value) for name, value in properties.items()}
    try:
        arguments = pickle.dumps(harness.arguments)
    except Exception:  # whatever an object of the user's raises
        return None
    request = {"file": file, "module": cls.__module__, "class": cls.__qualname__, "path": sys.path, "properties": plain,
               "argv": sys.argv, "arguments": arguments}
    return [sys.executable, "-m", "sng._child", base64.b64encode(pickle.dumps(request)).decode()]


def import_file(file: str, module: str) -> Any:
    """Under its own name where the path leads to this file; a script that was started is not run as the main program."""
    name = "sng_main" if module == "__main__" else module
    if name in sys.modules:
        return sys.modules[name]
    try:
        found = importlib.import_module(name) if module != "__main__" else None
    except ImportError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        found = None
    if found is not None and os.path.abspath(getattr(found, "__file__", None) or "") == file:
        return found
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def main(text: str) -> None:
    request = pickle.loads(base64.b64decode(text))
    sys.path[:] = request["path"]
    sys.argv[:] = request["argv"]
    cls = import_file(request["file"], request["module"])
    for name in request["class"].split("."):
        cls = getattr(cls, name)
    arguments, keywords = pickle.loads(request["arguments"])
    harness = cls(*arguments, **keywords)
    for name, value in request["properties"].items():
        if value is not None and harness.get_property(name) != value:
            harness.set_property(name, value)
    harness.run_stop_and_go()


if __name__ == "__main__":
    main(sys.argv[1])
