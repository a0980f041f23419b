"""Which device and precision to compute with, chosen openly."""

import os
import platform
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16"]


class DeviceError(ValueError):
    """A device that this machine does not have, or no number of threads: what to ask for."""


@dataclass(frozen=True)
class Compute:
    """A device and a precision; `str()` says both in one line."""

    device: torch.device
    precision: Literal["fp32", "bf16"]

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which matrix products run in this precision."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def __str__(self) -> str:
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{device_name(self.device)}{threads}, {self.precision}"


def choose_compute(device: str = "auto", precision: Precision = "auto") -> Compute:
    """Return the device and precision to use; `auto` takes a GPU, and bf16 where it is fast.

    Raises `DeviceError` for a device that this machine does not have.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise ValueError(f"unknown precision {precision!r}: use auto, fp32 or bf16")
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    try:
        chosen = torch.device((accelerator or "cpu") if device == "auto" else device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError):
        raise DeviceError(
            f"device {device!r} is not available here: use 'auto', or 'cpu', which always works"
        ) from None
    if precision == "auto":
        precision = "bf16" if fast_bf16(chosen.type) else "fp32"
    return Compute(chosen, precision)


@lru_cache(maxsize=4)
def fast_bf16(device_type: str) -> bool:
    """Return whether this kind of device has units for bf16 matrix products.

    Elsewhere bf16 is slower than fp32, on CPUs with AVX-512 but without AMX as well.
    """
    if device_type == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8
    if device_type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def device_name(device: torch.device) -> str:
    """Return what a person calls the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()})" if device.type == "cpu" else device.type.upper()


def set_threads(threads: int | None = None) -> int:
    """Set and return the number of CPU threads: as given, else as `chosen_threads` says.

    Raises `DeviceError` for less than one.
    """
    if threads is not None and threads < 1:
        advice = "leave --threads out for one for each core"
        raise DeviceError(f"threads must be 1 or more, not {threads}: {advice}")
    torch.set_num_threads(threads or chosen_threads())
    return torch.get_num_threads()


def chosen_threads() -> int:
    """Return what NERLIB_THREADS or OMP_NUM_THREADS says, else one for each core we may use.

    Raises `DeviceError` for what is no number of threads.
    """
    for name in ("NERLIB_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "").partition(",")[0].strip()  # OpenMP takes one a level
        if value:
            if not value.isdecimal() or value == "0":
                raise DeviceError(f"{name} is {value!r}: write a number of threads, 1 or more")
            return int(value)
    return available_cores()


def available_cores() -> int:
    """Return how many cores this process may use, which in a container is not all of them."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
