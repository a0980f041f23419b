"""The lessons under recipe `tutorial`: with the Hub, and again in a classroom without wifi.

Runs with NERLIB_TEST_HUB_NOTEBOOKS=1 (`make test-hub-notebooks`). The Hub is a stand-in on this
machine; it serves the sample as MASSIVE and a tiny encoder as ruBERT.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import hub_encoders
import nbformat
import pytest
from hub_stand_in import (
    CONVERSION,
    MASSIVE,
    HubStandIn,
    learner_environment,
    massive_conversion,
    run_python,
)

from tools.class_copies import walked, ways
from tools.execute import execute, find_notebook

WITH_HUB, OFFLINE = "with the Hub", "offline, after prefetch"
# 01, 03 and 05 are the first that ask the Hub: for rows, a tokenizer, weights. 04, 06 and 07 read
# a saved model, and the short ways all of the rest again; later lessons ask for nothing else.
LESSONS = {WITH_HUB: ("01", "03", "05"), OFFLINE: ("04", "06", "07")}

pytestmark = pytest.mark.skipif(
    os.environ.get("NERLIB_TEST_HUB_NOTEBOOKS") != "1",
    reason="set NERLIB_TEST_HUB_NOTEBOOKS=1 to run the lessons against a stand-in for the Hub",
)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubStandIn]:
    # Fewer rows than the recipe asks for: what counts here is that it runs, not what is learnt.
    repositories = {(MASSIVE, CONVERSION): massive_conversion("ru-RU", rows=100)}
    with HubStandIn({**repositories, **hub_encoders.repositories()}) as server:
        yield server


@pytest.fixture
def classroom(request, hub, tmp_path) -> Iterator[Path]:
    """An environment as a learner has it, and the folder where the lessons leave their results."""
    variables = {"NERLIB_CACHE": str(tmp_path / "stick"), "OMP_NUM_THREADS": "1"}
    environment = learner_environment(hub.url, tmp_path / "home", **variables)
    if request.param == OFFLINE:
        done = run_python("-m", "nerlib", "prefetch", "tutorial", **environment)
        assert done.returncode == 0, done.stderr
        environment |= {"HF_HUB_OFFLINE": "1"}
        hub.requests.clear()
    environment["NERLIB_RECIPE"] = "tutorial"
    with mock.patch.dict(os.environ, environment, clear=True):
        yield tmp_path / "build"
    if request.param == WITH_HUB:
        blobs = [line for line in hub.requests if line.startswith("GET /blobs/")]
        assert 0 < len(blobs) == len(set(blobs)) <= 4  # three splits and the weights, each once
    else:
        assert hub.requests == []


@pytest.mark.parametrize("classroom", LESSONS, indirect=True)
def test_lessons_run_to_their_end(classroom, request):
    for number in LESSONS[request.node.callspec.params["classroom"]]:
        path = find_notebook(number)
        notebook = nbformat.read(path, as_version=4)
        execute(notebook, path, classroom)
        setup = str(notebook.cells[1].outputs)
        assert "tutorial" in setup
        assert "ai-forever/ruBert-base" in setup


@pytest.mark.parametrize("classroom", [OFFLINE], indirect=True)
def test_the_short_ways_of_classes_run_to_their_end(classroom):
    short = {
        (number, *(name for row in rows for name in row.sections)): rows
        for (_, number), rows in ways().items()
        if number < "07" and all(row.sections for row in rows)
    }
    for way in sorted(short):  # each once, and 06 with the model that 05 leaves
        execute(walked(way[0], short[way]), find_notebook(way[0]), classroom)
