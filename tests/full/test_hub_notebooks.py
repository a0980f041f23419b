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
from hub_fixtures import learner_environment, run_python
from hub_stand_in import CONVERSION, MASSIVE, HubStandIn, massive_conversion

from tools.execute import all_notebooks, execute

WITH_HUB, OFFLINE = "with the Hub", "offline, after prefetch"
LESSONS = [path for path in all_notebooks() if path.stem[:2] != "00"]
ASKING = ("01", "03", "05")  # those that first ask the Hub: for rows, a tokenizer, weights

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


@pytest.fixture(scope="module", params=[WITH_HUB, OFFLINE])
def classroom(request, hub, tmp_path_factory) -> Iterator[Path]:
    """An environment as a learner has it, and the folder where the lessons leave their results."""
    place = tmp_path_factory.mktemp("classroom")
    variables = {"NERLIB_CACHE": str(place / "stick"), "OMP_NUM_THREADS": "1"}
    environment = learner_environment(hub.url, place / "home", **variables)
    if request.param == OFFLINE:
        done = run_python("-m", "nerlib", "prefetch", "tutorial", **environment)
        assert done.returncode == 0, done.stderr
        environment |= {"HF_HUB_OFFLINE": "1"}
        hub.requests.clear()
    environment["NERLIB_RECIPE"] = "tutorial"
    with mock.patch.dict(os.environ, environment, clear=True):
        yield place / "build"
    if request.param == WITH_HUB:
        blobs = [line for line in hub.requests if line.startswith("GET /blobs/")]
        assert 0 < len(blobs) == len(set(blobs)) <= 4  # three splits and the weights, each once
    else:
        assert hub.requests == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_to_its_end(classroom, path, request):
    if request.node.callspec.params["classroom"] == WITH_HUB and path.stem[:2] not in ASKING:
        pytest.skip("earlier lessons have asked the Hub for all that it needs")
    notebook = nbformat.read(path, as_version=4)
    execute(notebook, path, classroom)
    setup = str(notebook.cells[1].outputs)
    assert "tutorial" in setup
    assert "ai-forever/ruBert-base" in setup
