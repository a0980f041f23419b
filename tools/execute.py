"""Run notebooks from a fresh kernel, with a bar that moves with every cell.

python -m tools.execute                        # all of them, in place: what is committed
python -m tools.execute --output build         # copies, HTML pages and an index
python -m tools.execute 07 08 --output build   # these lessons only
"""

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.client import KernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from tqdm import tqdm

from tools.install import install_extras
from tools.kernels import OPTIONS, start_ahead
from tools.reading import reading_time, with_reading_time

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NEEDS_EXTRA = re.compile(r"needs_extra\(\"(\w+)\"")
# The header of every notebook says how long it takes to run, between these two marks.
RUN_TIME = re.compile(r"(?<=<!-- run time -->)[^<\n]*+(?=<!-- /run time -->)")
MACHINES = {"plain": "plain", "fast": "with bf16 units"}  # by the kinds of their processors
ONE_DAY = 24 * 60 * 60  # in seconds: nbclient has to have a limit
INTERRUPTED = 130  # what a shell reports after Ctrl-C


class NotebookFailed(RuntimeError):
    """A cell that ended in an error: which notebook, which cell, and what it said."""


class Client(NotebookClient):
    """A client whose run Ctrl-C cancels, also while it starts; nbclient would stop the kernel only.

    nbclient listens for Ctrl-C just before it calls one of these, so that ours comes right after.
    """

    async def async_start_new_kernel(self, **options: Any) -> None:
        """Listen, then start a kernel."""
        self._listen()
        await super().async_start_new_kernel(**options)

    async def async_start_new_kernel_client(self) -> KernelClient:
        """Listen, then talk to a kernel that may have been started ahead."""
        self._listen()
        return await super().async_start_new_kernel_client()

    def _listen(self) -> None:
        running = asyncio.current_task()
        assert running is not None
        with suppress(NotImplementedError):  # Windows: there Ctrl-C is a KeyboardInterrupt anyway
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, running.cancel)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the notebooks named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="tools.execute", description=__doc__)
    parser.add_argument("lessons", nargs="*", help="numbers or files; default: all")
    parser.add_argument("--output", type=Path, help="write copies and HTML pages here")
    options = parser.parse_args(arguments)
    try:
        paths = [find_notebook(name) for name in options.lessons] or all_notebooks()
    except ValueError as error:
        parser.error(str(error))
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    install_extras(sorted({extra for one in notebooks.values() for extra in extras_of(one)}))
    try:
        return run_all(notebooks, options.output)
    except KeyboardInterrupt:
        print(f"\nStopped. What is done is in {options.output or NOTEBOOKS}", file=sys.stderr)
        return INTERRUPTED


def all_notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """Return the course's notebooks in their order; beside solutions, the capstone is the last."""
    return [*sorted(folder.glob("[0-9][0-9]_*.ipynb")), *folder.glob("capstone.ipynb")]


def find_notebook(name: str) -> Path:
    """Return the file of a lesson's number, or of a path; raises `ValueError` if there is none.

    >>> find_notebook("02").name
    '02_parsing.ipynb'
    """
    found = [path for path in all_notebooks() if path.name.startswith(f"{name}_")]
    if not found and not (Path(name).is_file() and name.endswith(".ipynb")):
        numbers = ", ".join(path.name[:2] for path in all_notebooks())
        raise ValueError(f"no lesson {name!r}: choose from {numbers}, or name a notebook's file")
    return found[0] if found else Path(name)


def extras_of(notebook: NotebookNode) -> set[str]:
    """Return which extras of nerlib a notebook asks for."""
    return {found[1] for cell in notebook.cells for found in NEEDS_EXTRA.finditer(cell.source)}


def run_all(notebooks: Mapping[Path, NotebookNode], output: Path | None) -> int:
    """Run notebooks one after the other, pages at once; return 1 if a cell failed, else 0.

    In place each kernel starts with its lesson, which is timed as its readers will meet it.
    """
    failures, folder, kernel = 0, output or ROOT / "build", None
    for path, later in zip_longest(notebooks, [*notebooks][1:] if output else []):
        started = time.perf_counter()
        ahead = asyncio.run(start_ahead(notebooks[later], later, folder)) if later else None
        try:
            execute(notebooks[path], path, folder, kernel)
        except NotebookFailed as error:
            failures += 1
            hint = f"open {output / path.stem}.html" if output else "the file stays as it was"
            print(f"{error} ({hint})", file=sys.stderr, flush=True)
            if output is None:
                continue
        finally:
            kernel = ahead
        write(clean(notebooks[path]), path, time.perf_counter() - started, output)
    if output:
        print(f"Open {output / 'index.html'}")
    return min(failures, 1)


def write(notebook: NotebookNode, path: Path, seconds: float, output: Path | None) -> None:
    """Write a notebook that ran: in place with its run time, or into a folder with its page."""
    from tools.pages import write_index, write_page  # nbconvert takes its time to load

    if output is None:
        write_run_time(notebook, seconds)
        nbformat.write(notebook, path)
        return
    (output / "notebooks").mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output / "notebooks" / path.name)
    write_page(notebook, output / f"{path.stem}.html")
    write_index(output)


def execute(
    notebook: NotebookNode, path: Path, output: Path, kernel: AsyncKernelManager | None = None
) -> None:
    """Run all cells in a fresh kernel, or in one from `start_ahead`; raises `NotebookFailed`.

    However long a cell takes: other programs may be using the same cores.
    """
    os.environ["NERLIB_OUTPUT"] = str(output.resolve())
    total = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in notebook.cells)
    started: list[NotebookNode] = []
    with tqdm(total=total, desc=path.stem, unit=" cells", dynamic_ncols=True) as bar:
        client = Client(
            notebook,
            timeout=None,
            startup_timeout=ONE_DAY,
            km=kernel,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.resolve().parent)}},
            extra_arguments=OPTIONS,
            coalesce_streams=True,  # what one cell prints is one output, however it was buffered
            on_cell_execute=lambda cell, **_: started.append(cell),
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            asyncio.run(client.async_execute(cleanup_kc=True))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        except CellExecutionError as error:
            raise NotebookFailed(_told(path, started, error.ename, error.evalue)) from None
        except DeadKernelError:
            words = "the kernel died; out of memory?"
            died = new_output("error", ename="DeadKernel", evalue=words, traceback=[words])
            started[-1].outputs.append(died)
            raise NotebookFailed(_told(path, started, died.ename, died.evalue)) from None


def _told(path: Path, started: Sequence[NotebookNode], kind: str, message: str) -> str:
    """Return one line: the lesson, the cell's number and id, the first line of the error."""
    first = message.strip().splitlines()[0] if message.strip() else ""
    return f"{path.stem}: cell [{len(started)}], {started[-1].id}: {kind}: {first}"


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove what depends on the run or the editor: timings, widget state, host details."""
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
        **{name: notebook.metadata[name] for name in ("nerlib",) if name in notebook.metadata},
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = NotebookNode(tags=tags) if tags else NotebookNode()
        if cell.cell_type == "code":
            # A widget means nothing once its kernel is gone, nor does its description.
            cell.outputs = [o for o in cell.outputs if WIDGET_VIEW not in o.get("data", {})]
    return notebook


def write_run_time(notebook: NotebookNode, seconds: float) -> None:
    """Put reading time, and run time on this kind of machine, into header and metadata.

    A run time that is about what stands there already changes nothing.
    """
    from nerlib.device import fast_bf16

    kind = "fast" if fast_bf16("cpu") else "plain"
    times = dict(notebook.metadata.get("nerlib", {}).get("run_seconds", {}))
    if not 0.7 < seconds / times.get(kind, 1e9) < 1.4:
        times[kind] = max(5, round(seconds / 5) * 5)
    notebook.metadata["nerlib"] = {"run_seconds": times}
    header = notebook.cells[0]
    timed = RUN_TIME.sub(f"about {run_times([times])}", header.source)
    header.source = with_reading_time(timed, reading_time(notebook))


def run_times(lessons: Sequence[Mapping[str, int]]) -> str:
    """Return how long lessons run together, on each kind of machine that all of them ran on.

    >>> run_times([{"plain": 60, "fast": 20}, {"plain": 245}])
    '5 min (plain)'
    """
    sums = {
        words: sum(times[kind] for times in lessons)
        for kind, words in MACHINES.items()
        if all(kind in times for times in lessons)
    }
    told = ((f"{s} s" if s < 180 else f"{s / 60:.0f} min", words) for words, s in sums.items())
    return ", ".join(f"{time} ({words})" for time, words in told)


if __name__ == "__main__":
    sys.exit(main())
