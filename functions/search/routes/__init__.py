"""The routes of the HTTP contract, one module per subject."""
