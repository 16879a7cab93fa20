"""How many results of a search are relevant."""
