"""A folder's vectors as a file for other programs."""
