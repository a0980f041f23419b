"""A page to try a tagger in a browser, and to correct it: `python -m nerlib demo`.

What the page does is in modules that need no web server (`sentences`, `corrections`, `models`,
`session`, `markup`); `app` lays it out with Gradio, `gate` and `server` put it on the network.
"""
