"""From photographs and texts to embeddings."""
