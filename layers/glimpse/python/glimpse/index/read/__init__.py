"""Searching: manifests and objects as a reader holds them, and one ranking over all of them."""
