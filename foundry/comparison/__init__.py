"""Whether two bundles of one model embed alike."""
