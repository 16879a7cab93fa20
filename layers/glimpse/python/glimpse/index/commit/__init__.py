"""How an index changes: objects under new keys first, then a compare-and-swap of the manifest."""
