"""Commits: stage objects under new keys, then compare-and-swap the manifest."""
