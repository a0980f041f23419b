"""Tagging of more than fits in memory, or on a disk, by several processes."""
