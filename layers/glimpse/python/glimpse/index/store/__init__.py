"""Storage: the object store that the index needs, byte-range reads, and caches in memory and on disk."""
