"""Compaction policy, merges, and the sweep of unreferenced objects."""
