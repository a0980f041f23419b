"""The service for tests: a tiny model that has learnt a few sentences, and a server of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import Any

import pytest
from tiny_encoders import new_model, small_data, tokenizer_of

from nerlib import Tagger, TrainConfig, train

uvicorn = pytest.importorskip("uvicorn", reason="pip install 'nerlib[serve]'")

SENTENCE = "wake me up at nine am on friday"
LINE = "wake me up at [time : nine am] on [date : friday]"


@cache
def tagger() -> Tagger:
    """Return a tagger that finds times, dates and places."""
    data = small_data("bert", rows=80)
    model = new_model("bert", data.tags)
    settings = TrainConfig(
        epochs=12, batch_size=8, learning_rate=3e-3, device="cpu", precision="fp32"
    )
    train(model, data, data, settings)
    return Tagger(model, tokenizer_of("bert"), "cpu", "fp32")


@contextmanager
def running(app: Any) -> Iterator[str]:
    """Serve an application from a thread of this process; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)  # until it listens, or has failed
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
