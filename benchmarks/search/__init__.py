"""Searching and writing an index, beside what one would use instead."""
