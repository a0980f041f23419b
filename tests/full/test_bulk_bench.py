"""The measurement of tagging in bulk: its rows and its memory."""

from itertools import islice
from pathlib import Path

from tiny_encoders import new_model, small_data, tokenizer_of

from benchmarks import bulk_bench
from benchmarks.bulk_bench import write_utterances
from nerlib.course.utterances import utterances
from nerlib.saving import save_model
from nerlib.tools.bulk.manifest import BulkSettings


def test_utterances_are_short_and_vary() -> None:
    found = list(islice(utterances(seed=1), 2000))
    assert len(set(found)) > 1500
    assert max(map(len, found)) < 200
    assert found != list(islice(utterances(seed=2), 2000))


def test_both_parts_tag_every_row(tmp_path: Path) -> None:
    model = save_model(
        new_model("bert", small_data("bert").tags), tokenizer_of("bert"), tmp_path / "model"
    )
    source = write_utterances(tmp_path / "a.parquet", 60)
    settings = BulkSettings(shard_rows=20, precision="fp32")
    stream = bulk_bench.measure_stream(source, str(model), settings)
    bulk = bulk_bench.measure_workers(source, str(model), settings, workers=0)
    assert stream["rows"] == bulk["rows"] == 60
    assert bulk["failed"] == 0
    assert bulk["steady"]["rows"] == 40
    assert bulk["memory"]["peak"]["here"] > 50


def test_memory_that_grows_is_seen() -> None:
    assert bulk_bench.memory_of([(100.0 + n, 200.0) for n in range(10)])["growth"] == 5.0
