"""A page to try a tagger in a browser, and to correct it: `python -m nerlib demo`.

`app` lays it out with Gradio, `gate` and `server` put it on the network; the rest needs neither.
"""
