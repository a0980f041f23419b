"""The report page: whole, alone, escaped, and readable at the width of a laptop and a phone."""

import json

import pytest
from hostile_text import Reader
from local_pages import SIDEWAYS, needs_browser, watch
from small_runs import trained_model
from tiny_encoders import new_model, small_data, tokenizer_of

from nerlib import NERDataset, Parser, Tagger, TagSet, evaluate_tags, get_recipe
from nerlib import __main__ as cli
from nerlib.analysis.error_analysis import Outcome, predict_outcomes
from nerlib.saving import save_model
from nerlib.tools.corpora import load_corpus
from nerlib.tools.own_data import corpus_from_lines
from nerlib.tools.recipes import made_by
from nerlib.tools.report import Material, material_of, report_page, training_rows, write_report
from nerlib.tools.tagger import tag_plain_text

EVIL = "<script>alert(1)</script>"
EVIL_ROW = f"call {EVIL} at [time : <img src=x onerror=alert(2)>] \u202e [{EVIL} : \"'&]"
PARTS = ("Scores", "How lenient?", "Type by type", "Kinds of errors", "Confused types")
PARTS += ("Worst utterances", "Seen and new values", "Length", "Confidence")


@pytest.fixture(scope="module")
def material():
    """What a tiny model did, with a row that looks like HTML in text, type and row number."""
    evil = Parser().parse(EVIL_ROW.replace(EVIL + " :", EVIL.replace(" ", "") + " :"))
    predicted = tuple("B-TIME" if number == 1 else "O" for number in range(len(evil.words)))
    ones = tuple(1.0 for _ in evil.words)
    outcomes = [
        *predict_outcomes(trained_model(), small_data("bert", 30, seed=2)),
        Outcome(EVIL, evil, predicted, ones, ones),
        Outcome("nothing", Parser().parse(""), (), (), ()),
    ]
    return Material({"model": EVIL, "corpus": "small"}, outcomes, small_data("bert").utterances)


@pytest.fixture(scope="module")
def page(material):
    return report_page(material)


def test_the_page_has_all_parts_and_the_library_s_scores(page, material):
    for part in PARTS:
        assert f">{part}</h2>" in page, part
    gold = [outcome.utterance.tags for outcome in material.outcomes]
    scores = evaluate_tags(gold, [outcome.predicted for outcome in material.outcomes])
    overall = scores.overall
    averages = (scores.macro_f1, scores.massive_f1)
    for value in (overall.f1, overall.precision, overall.recall, *averages):
        assert f"<b>{value:.3f}</b>" in page
    assert f"{overall.gold:,} gold entities" in page
    tags = Reader(page).tags
    anchors = [a["href"] for tag, a in tags if tag == "a"]
    ids = [a["id"] for tag, a in tags if tag == "section"]
    assert anchors == [f"#{key}" for key in ids]
    assert len(ids) == len(PARTS)


def test_text_is_no_markup_and_nothing_is_fetched(page):
    tags = Reader(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "iframe", "object", "link", "svg"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page, "a direction override would turn the page's own text"
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/svg+xml;base64,", "#")), tag
        assert not attributes.get("src") or attributes.get("alt")
    assert not [word for word in ("://", "url(", "@import") if word in page]


def test_types_are_spelled_as_the_model_does(material):
    named = Material({}, material.outcomes, names={"TIME": "Zeit", "DATE": "DATUM"})
    page = report_page(named)
    assert "<td>Zeit</td>" in page
    assert "<td>DATUM</td>" in page
    assert "<td>time</td>" not in page


def test_without_training_rows_it_says_what_is_left_out(page, material):
    assert report_page(material) == page  # the same answers make the same page
    left_out = report_page(Material(material.facts, material.outcomes))
    assert "list of training values" in page
    assert "list of training values" not in left_out


SOME, NONE = Parser().parse("at [time : nine]"), Parser().parse("wake me")


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("nothing right", SOME, ("O", "O"), (0.9, 0.9), (0.1, 3.0)),
        Outcome("all right", SOME, SOME.tags, (1.0, 1.0), (0.0, 0.0)),
        Outcome("nothing to find", NONE, ("O", "O"), (1.0, 1.0), (float("nan"),) * 2),
        Outcome("invented", NONE, ("B-X", "O"), (1.0, 1.0), (5.0, 0.0)),
        Outcome("no words", Parser().parse(""), (), (), ()),
    ],
    ids=lambda outcome: outcome.row_id,
)
def test_odd_answers_still_make_a_page(outcome):
    Reader(report_page(Material({}, [outcome], [SOME])))


def test_a_report_about_nothing_is_refused():
    with pytest.raises(ValueError, match="utterance"):
        report_page(Material({}, []))


def test_a_page_is_moved_into_place_whole(material, tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "report.html"
    assert write_report(material, path) == path
    before = path.read_text(encoding="utf-8")
    assert before.endswith("</html>\n")

    monkeypatch.setattr("os.replace", None)
    with pytest.raises(TypeError):
        write_report(Material({"other": "1"}, material.outcomes), path)
    assert path.read_text(encoding="utf-8") == before
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_training_rows_are_those_of_the_model_s_record():
    record = {"recipe": "offline", "locale": "ru-RU", "rows": "train", "epochs": 1}
    expected = load_corpus("ru-RU", "train")["utt"]
    assert [utterance.text for utterance in training_rows(record)] == list(expected)
    shorter = [u.text for u in training_rows({**record, "rows": "train[:7]"})]
    assert shorter == list(load_corpus("ru-RU", "train[:7]", shuffle=True)["utt"])
    for missing in ({}, {**record, "recipe": "gone"}, {**record, "rows": "train[9999:"}):
        assert training_rows(missing) == []


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """An untrained tiny model that says which recipe made it."""
    tags = TagSet.from_corpus(load_corpus("en-US", "train[:50]"))
    model = new_model("bert", tags)
    model.config.made_by = made_by(get_recipe("offline"))
    return save_model(model, tokenizer_of("bert"), tmp_path_factory.mktemp("report") / "model")


def test_the_command_writes_the_page(model_folder, tmp_path, capsys):
    path = tmp_path / "report.html"
    arguments = ["evaluate", "--model", str(model_folder), "--split", "validation[:30]", "--json"]
    assert cli.main([*arguments, "--report", str(path)]) == 0
    told = capsys.readouterr()
    scores = json.loads(told.out)  # the words about the page go elsewhere
    assert told.err.strip() == f"report in {path}"
    page = path.read_text(encoding="utf-8")
    assert f"<b>{scores['overall']['f1']:.3f}</b>" in page
    assert "30 utterances" in page
    assert "train of recipe offline" in page
    assert "list of training values" in page


def test_it_shows_the_answers_to_the_plain_text():
    """As the scores do: the model does not know where the annotation cuts words."""
    tagger = Tagger(trained_model(), tokenizer_of("bert"), "cpu")
    rows = corpus_from_lines("wake me at [time : nine]-ish")
    data = NERDataset(rows, tagger.tokenizer, tagger.model.config.tags)
    (shown,) = material_of(tagger, data, {}).outcomes
    assert list(shown.predicted) == tag_plain_text(tagger, data)[0]
    assert shown.predicted[3:] == ("B-TIME", "I-TIME", "I-TIME")
    (known,) = material_of(tagger, data, {}, tags=[["O"] * len(shown.predicted)]).outcomes
    assert set(known.predicted) == {"O"}  # what is known is not asked for again


@pytest.mark.parametrize("place", ["folder", "file/report.html"])
def test_a_report_that_cannot_be_written_is_said_before_the_work(place, tmp_path, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    report = ["--report", tmp_path / place]
    error = says("evaluate", "--model", "no/such/model", *report, status=2)
    assert place.partition("/")[0] in error
    assert "no model" not in error


@needs_browser
def test_a_browser_shows_it_without_asking_for_anything(page, browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    for width in (1280, 390):
        shown = browser.new_page(viewport={"width": width, "height": 800})
        trouble = watch(shown, (path.as_uri(),))
        shown.goto(path.as_uri())
        assert trouble == []
        assert shown.evaluate(SIDEWAYS) <= 0
        widths = shown.eval_on_selector_all("img", "images => images.map(i => i.naturalWidth)")
        assert len(widths) >= 7
        assert all(value > 100 for value in widths), "a figure did not load"
