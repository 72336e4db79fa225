# SPDX-FileCopyrightText: 2026 The libsng contributors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the numbers of a training may depend on beside its program: versions, settings and the GPU."""

import pathlib
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

DRIVER = pathlib.Path("/sys/module/nvidia/version")


def describe() -> dict[str, str]:
    """Of what is imported already: nothing is imported for it, and no GPU is touched that the script does not use."""
    facts = {"python": platform.python_version()}
    if numpy := sys.modules.get("numpy"):
        facts["numpy"] = numpy.__version__
    if torch := sys.modules.get("torch"):
        with warnings.catch_warnings():
            # PyTorch warns of settings that have a newer name.
            warnings.simplefilter("ignore")
            facts.update(describe_torch(torch))
    return facts


def describe_torch(torch: Any) -> dict[str, str]:
    """The facts of PyTorch that there are; it has other settings in other versions."""
    backends = torch.backends
    settings: dict[str, Callable[[], Any]] = {
        "torch": lambda: torch.__version__,
        "torch.cuda": lambda: torch.version.cuda,
        "torch.threads": torch.get_num_threads,
        "torch.deterministic-algorithms": torch.are_deterministic_algorithms_enabled,
        "torch.float32-matmul-precision": torch.get_float32_matmul_precision,
        "torch.matmul.allow-tf32": lambda: backends.cuda.matmul.allow_tf32,
        "torch.matmul.fp32-precision": lambda: backends.cuda.matmul.fp32_precision,
        "torch.cudnn.allow-tf32": lambda: backends.cudnn.allow_tf32,
        "torch.cudnn.benchmark": lambda: backends.cudnn.benchmark,
        "torch.cudnn.deterministic": lambda: backends.cudnn.deterministic,
    }
    facts = {key: value for key, read in settings.items() if (value := read_setting(read)) is not None}
    if torch.cuda.is_initialized():
        facts.update(describe_gpu(torch))
    return facts


def read_setting(read: Callable[[], Any]) -> str | None:
    try:
        value = read()
    except (AttributeError, RuntimeError):  # not in this version, or set in two ways that do not go together
        return None
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def describe_gpu(torch: Any) -> Iterator[tuple[str, str]]:
    """Under the keys that libsng's own device has."""
    gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
    yield "gpu", gpu.name
    yield "compute-capability", f"{gpu.major}.{gpu.minor}"
    if (cudnn := torch.backends.cudnn.version()) is not None:
        yield "torch.cudnn", str(cudnn)
    if DRIVER.is_file():
        yield "nvidia-driver", DRIVER.read_text(encoding="ascii", errors="replace").strip()
