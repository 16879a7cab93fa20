"""Search: cached manifests and objects, IVF search, filters, top-k and paging."""
