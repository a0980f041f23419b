"""Sphinx settings of the course as a web book; `make site` puts the pages beside this file.

Everything that a page needs is copied into the book: it can be read without internet.
"""

from pathlib import Path

from nerlib import __version__

project = "Named Entity Recognition, built"
author = "the authors of the course"
copyright = "text and figures under CC BY 4.0, code under MIT"
release = __version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["static", "templates", "files", "conf.py"]
root_doc = "index"

# Notebooks come with their outputs; nothing is run here.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["attrs_block", "deflist"]
myst_heading_anchors = 3
# Two modules may have a class of the same name.
suppress_warnings = ["myst.header", "ref.python"]

# Docstrings put code into single backticks, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = project
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["book.css", "tagger.css"]
html_js_files = ["book.js"]
html_search_scorer = str(Path(__file__).with_name("static") / "scorer.js")
html_extra_path = ["files"]  # the notebooks to work on; tools/site.py puts them there
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
html_favicon = "static/favicon.svg"


def give_captions_a_level(app, page, template, context, doctree):  # type: ignore[no-untyped-def]
    """Say how deep a caption of the navigation is: the theme makes headings without a level."""
    for part in ("body", "furo_navigation_tree"):
        if part in context:
            context[part] = context[part].replace(
                'class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"'
            )


def setup(app):  # type: ignore[no-untyped-def]
    """Work on each page after the theme has."""
    app.connect("html-page-context", give_captions_a_level, priority=900)
