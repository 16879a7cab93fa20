"""Folders that people deleted go for good."""
