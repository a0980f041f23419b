"""The demo for tests: a tiny model that has learnt a few sentences, and the page that offers it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import is_loopback
from tiny_encoders import new_model, small_data, tokenizer_of

from nerlib import TrainConfig, save_model, train
from nerlib.tools.demo.models import Models, name_places

SENTENCE = "wake me up at nine am on friday"
LINE = "wake me up at [time : nine am] on [date : friday]"


@dataclass
class Page:
    """A page that is being served: where, and which other hosts this process has looked up."""

    address: str
    asked: list[str]


@pytest.fixture(scope="session")
def demo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model that finds times, dates and places."""
    data = small_data("bert", rows=80)
    model = new_model("bert", data.tags)
    settings = TrainConfig(
        epochs=12, batch_size=8, learning_rate=3e-3, device="cpu", precision="fp32"
    )
    train(model, data, data, settings)
    return save_model(model, tokenizer_of("bert"), tmp_path_factory.mktemp("demo") / "tiny")


@pytest.fixture(scope="module")
def demo_page(demo_model: Path) -> Iterator[Page]:
    """The page, served by this process, which records every other host that it looks up."""
    pytest.importorskip("gradio", reason="Gradio is not installed: pip install 'nerlib[demo]'")
    from nerlib.tools.demo.page import serve

    asked: list[str] = []
    look_up = socket.getaddrinfo

    def listened(host: Any, *others: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
        asked.extend([] if is_loopback(name) else [name])
        return look_up(host, *others, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", listened)
        app = serve(Models(name_places([demo_model, demo_model]), "cpu"))
        yield Page(app.local_url.rstrip("/"), asked)
        app.close(verbose=False)
