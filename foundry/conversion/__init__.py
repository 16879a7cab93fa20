"""From open_clip models to bundles."""
