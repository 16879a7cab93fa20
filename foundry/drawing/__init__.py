"""Scenes drawn from concepts, with captions that are true of them."""
