"""A page to try a tagger in a browser, and to correct it: `python -m nerlib demo`.

`page` lays it out and serves it with Gradio, behind the `gate`; the rest needs neither.
"""
