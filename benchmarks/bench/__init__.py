"""How fast training and tagging run, beside what people would use instead: `make bench`."""
