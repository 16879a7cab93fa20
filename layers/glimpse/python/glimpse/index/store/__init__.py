"""Bytes: the object store that the index needs, and what reads and keeps its objects."""
