"""The cut-off: how many results are relevant."""
