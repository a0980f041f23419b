"""Ways in and out: transformers' own tools, other annotation formats, `datasets`."""
