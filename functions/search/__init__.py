"""The search service: the text encoder, FAISS, and the HTTP contract for other backends."""
