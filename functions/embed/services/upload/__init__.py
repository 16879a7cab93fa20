"""Uploads become part of their folders' indexes."""
