"""A page to try a tagger in a browser, and to correct it: `python -m nerlib demo`."""
