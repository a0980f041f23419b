"""The page itself, laid out with Gradio: what is on it, and what happens when something is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from nerlib.tools.demo import markup, session
from nerlib.tools.demo.corrections import Mark, Sentence, bracketed
from nerlib.tools.demo.models import Models
from nerlib.tools.demo.sentences import MOST_CHARACTERS, MOST_SENTENCES, RefusedError, shown
from nerlib.tools.demo.session import Session

NEW = -1  # what the list of entities says for one that is not there yet
FILE_NAME = "corrections.txt"
EXAMPLE = "wake me up at nine am on friday"
LIMITS = (
    f"One sentence a line: at most {MOST_SENTENCES} lines and {MOST_CHARACTERS:,} characters. "
    "Shift+Enter starts, too."
)
# The file is made in the browser, of what the page shows: no server keeps what somebody has typed.
DOWNLOAD = f"""(text) => {{
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {{type: "text/plain;charset=utf-8"}}));
    link.download = "{FILE_NAME}";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    return [];
}}"""

Changes = Mapping[Any, Any]  # component → what becomes of it


class Page:
    """The components of the page, by name, and the steps that they start."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.state = gr.State(Session())
        self._ask()
        self.status = gr.HTML(markup.message("Type a text, or paste one."), elem_id="status")
        self.marked = gr.HTML(elem_id="marked")
        with gr.Column(visible=False) as self.work:
            self._correct()
        with gr.Column(visible=False) as self.shelf:
            self._keep()
        self._connect()

    def _ask(self) -> None:
        """Lay out what a user fills in first."""
        heading("# Find entities, and correct them")
        self.text = gr.Textbox(
            label="Text",
            info=LIMITS,
            placeholder=EXAMPLE,
            lines=3,
            max_lines=12,
            elem_id="text",
        )
        with gr.Row(equal_height=True):
            names = self.models.names
            self.model = gr.Dropdown(names, value=names[0], label="Model", elem_id="model", scale=3)
            self.find = gr.Button("Find entities", variant="primary", elem_id="find", scale=1)

    def _correct(self) -> None:
        """Lay out the table of entities and what changes one of them."""
        heading("## Correct it")
        self.sentence = gr.Dropdown(label="Sentence", visible=False, elem_id="sentence")
        self.table = gr.HTML(elem_id="entities")
        with gr.Row():
            self.entity = gr.Dropdown(label="Entity", elem_id="entity", filterable=False)
            self.type = gr.Dropdown(
                label="Type (or a new one)", allow_custom_value=True, elem_id="type"
            )
            self.first = gr.Dropdown(label="First word", elem_id="first")
            self.last = gr.Dropdown(label="Last word", elem_id="last")
        with gr.Row():
            self.apply = gr.Button("Apply", elem_id="apply")
            self.remove = gr.Button("Remove", elem_id="remove")

    def _keep(self) -> None:
        """Lay out the line for training, and the lines that are kept."""
        heading("## Keep it for training")
        self.line = gr.Textbox(
            label="The sentence as a bracketed line", interactive=False, elem_id="line"
        )
        self.keep = gr.Button("Keep this one", variant="primary", elem_id="keep")
        self.kept = gr.Textbox(
            label=kept_label(0),
            info="Closing or reloading the page forgets them: download them first.",
            interactive=False,
            max_lines=12,
            elem_id="kept",
        )
        with gr.Row():
            self.download = gr.Button("Download corrections", interactive=False, elem_id="download")
            self.clear = gr.Button("Clear", interactive=False, elem_id="clear")

    def _connect(self) -> None:
        """Say which step each button, list and key starts."""
        words = [self.entity, self.type, self.first, self.last]
        gr.on(
            [self.find.click, self.text.submit],
            self._step(self._found),
            [self.state, self.model, self.text],
            self._all(),
            show_progress_on=self.marked,
            api_visibility="private",
        )
        steps: list[tuple[Any, Callable[..., Changes], list[Any]]] = [
            (self.sentence.input, self._chosen, [self.sentence]),
            (self.entity.input, self._picked, [self.entity]),
            (self.apply.click, self._changed, words),
            (self.remove.click, self._removed, [self.entity]),
            (self.keep.click, self._kept, []),
            (self.clear.click, self._cleared, []),
        ]
        for listen, step, inputs in steps:
            listen(
                self._step(step),
                [self.state, *inputs],
                self._all(),
                show_progress="hidden",
                api_visibility="private",
            )
        self.download.click(None, [self.kept], [], js=DOWNLOAD)

    def _all(self) -> list[Any]:
        """Return all components that a step may change."""
        return [
            *(self.state, self.status, self.marked, self.work, self.shelf, self.sentence),
            *(self.table, self.entity, self.type, self.first, self.last, self.line, self.kept),
            *(self.download, self.clear),
        ]

    def _step(self, step: Callable[..., Changes]) -> Callable[..., Changes]:
        """Return a step that says in one line why it cannot be done, and then changes nothing."""

        def guarded(*values: Any) -> Changes:
            try:
                return step(*values)
            except RefusedError as reason:
                return {self.status: markup.message(str(reason), wrong=True)}

        return guarded

    def _found(self, before: Session, name: str, text: str | None) -> Changes:
        after = session.find(before, self.models, name, text or "")
        count = sum(len(sentence.marks) for sentence in after.sentences)
        return self._show(after, f"{counted(count, 'entity', 'entities')} found.")

    def _chosen(self, before: Session, number: int) -> Changes:
        return self._show(session.choose(before, number), f"Sentence {number + 1} is chosen.")

    def _picked(self, before: Session, number: int) -> Changes:
        return self._editor(before, number)

    def _changed(
        self, before: Session, number: int | None, name: str | None, first: int, last: int
    ) -> Changes:
        which = None if number in (None, NEW) else number
        if first is None or last is None:
            raise RefusedError("choose a first and a last word")
        after = session.change(before, which, str(name or ""), first, last)
        at = next(n for n, mark in enumerate(after.sentence.marks) if mark.first == first)
        return self._show(after, "The entity is marked.", at)

    def _removed(self, before: Session, number: int | None) -> Changes:
        after = session.remove(before, NEW if number is None else number)
        return self._show(after, "The entity is removed.")

    def _kept(self, before: Session) -> Changes:
        after = session.keep(before)
        told = f"Kept: {counted(len(after.kept), 'line', 'lines')} so far."
        return self._show(after, told)

    def _cleared(self, before: Session) -> Changes:
        return self._show(session.clear(before), "No line is kept any more.")

    def _show(self, after: Session, told: str, entity: int = 0) -> Changes:
        """Return what the whole page shows of a session."""
        changes = {
            self.state: after,
            self.status: markup.message(told),
            self.kept: gr.Textbox(value=after.file, label=kept_label(len(after.kept))),
            self.download: gr.Button(interactive=bool(after.kept)),
            self.clear: gr.Button(interactive=bool(after.kept)),
        }
        if not after.sentences:
            return changes
        return changes | {
            self.marked: markup.marked_sentences(after.sentences, after.chosen),
            self.work: gr.Column(visible=True),
            self.shelf: gr.Column(visible=True),
            self.sentence: gr.Dropdown(
                choices=[(label(s.text, n), n) for n, s in enumerate(after.sentences)],
                value=after.chosen,
                visible=len(after.sentences) > 1,
            ),
            self.table: markup.entity_table(after.sentence),
            self.line: line_or_reason(after.sentence),
            **self._editor(after, entity),
        }

    def _editor(self, before: Session, number: int) -> Changes:
        """Return what the four lists show of entity `number`, or for a new one."""
        sentence, marks = before.sentence, before.sentence.marks
        mark = marks[number] if 0 <= number < len(marks) else Mark("", 0, 1)
        choices = [(entity_label(sentence, n), n) for n in range(len(marks))]
        words = [(label(word.text, n), n) for n, word in enumerate(sentence.words)]
        return {
            self.entity: gr.Dropdown(
                choices=[*choices, ("a new one", NEW)],
                value=number if mark.type else NEW,
            ),
            self.type: gr.Dropdown(choices=before.types, value=mark.type or None),
            self.first: gr.Dropdown(choices=words, value=mark.first),
            self.last: gr.Dropdown(choices=words, value=mark.end - 1),
        }


def build_app(models: Models) -> gr.Blocks:
    """Return the page as a Gradio app that sends nothing to anybody."""
    app = gr.Blocks(analytics_enabled=False, title="nerlib: find entities")
    with app:
        Page(models)
    return app


def heading(text: str) -> None:
    """Lay out a heading."""
    gr.Markdown(text, elem_classes="nerlib-heading")


def line_or_reason(sentence: Sentence) -> str:
    """Return a sentence's bracketed line, or why there is none."""
    try:
        return bracketed(sentence)
    except RefusedError as reason:
        return f"(cannot be kept: {reason})"


def entity_label(sentence: Sentence, number: int) -> str:
    """Return what the list of entities says of one."""
    mark = sentence.marks[number]
    return f"{label(sentence.value(mark), number)} ({mark.type})"


def label(text: str, number: int) -> str:
    """Return a text as an entry of a list, with its number.

    >>> label("nine", 4)
    '5 · nine'
    """
    return f"{number + 1} · {shown(text)}"


def kept_label(count: int) -> str:
    """Return the heading of the lines that are kept."""
    return f"Kept so far: {counted(count, 'line', 'lines')}"


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "line", "lines"), counted(0, "line", "lines")
    ('1 line', '0 lines')
    """
    return f"{count:,} {one if count == 1 else many}"
