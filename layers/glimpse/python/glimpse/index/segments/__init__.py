"""Segments of vectors: flat ones and IVF ones, how each is built, verified and scanned."""
