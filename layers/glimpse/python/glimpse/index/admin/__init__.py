"""Administration of indexes: listing, checking, repairing, compacting and exporting them."""
