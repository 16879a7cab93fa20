"""The search service: text encoder, FAISS, and the contract that other backends speak."""
