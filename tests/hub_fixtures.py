"""Fixtures of the tests that need the Hub's stand-in: the process's client pointed at it.

A file of tests names this module as its `pytest_plugins`.
"""

from collections.abc import Iterator

import hub_encoders
import pytest
from hub_stand_in import ARCHIVE, CONVERSION, MASSIVE, HubStandIn, Online, massive_archive
from hub_stand_in import massive_conversion as convert
from huggingface_hub import close_session, constants
from several_processes import free_port


@pytest.fixture(scope="session")
def conversion() -> dict[str, bytes]:
    """The Russian and the English sample as MASSIVE's Parquet conversion."""
    return {**convert("ru-RU"), **convert("en-US")}


@pytest.fixture
def hub(conversion) -> Iterator[HubStandIn]:
    """A Hub with the corpus, the encoders, and the archive at a plain address."""
    with HubStandIn({(MASSIVE, CONVERSION): conversion}) as server:
        server.repositories |= hub_encoders.repositories()
        server.moved = dict(hub_encoders.MOVED)
        server.gated = {"gated/encoder"}
        server.downloads[ARCHIVE] = massive_archive()
        yield server


@pytest.fixture
def closed_url() -> str:
    """An address at which nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def online(tmp_path, monkeypatch) -> Iterator[Online]:
    """A function that points this process's client at an address, with empty caches."""

    def use(url: str) -> None:
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", url)
        monkeypatch.setenv("NERLIB_MASSIVE_URL", f"{url}/{ARCHIVE}")

    monkeypatch.setattr("time.sleep", lambda _: None)  # the client's pauses between tries
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("NERLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "x.json"), raising=False)
    close_session()
    yield use
    close_session()


@pytest.fixture
def connected(hub, online) -> HubStandIn:
    """The Hub, with this process's client pointed at it."""
    online(hub.url)
    return hub
