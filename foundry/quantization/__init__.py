"""Bundles made smaller and faster."""
