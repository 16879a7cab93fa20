"""The model foundry: draws captioned scenes, trains the demo model, turns open_clip models into bundles."""
