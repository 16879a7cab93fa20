"""Estimates how many results of a search are relevant."""
