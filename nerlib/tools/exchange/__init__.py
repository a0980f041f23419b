"""Ways in and out: transformers' own tools, other annotation formats, `datasets`.

Nothing here is on the way of the data; what needs a further package imports it when it is asked.
"""
