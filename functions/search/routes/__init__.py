"""The contract: one module per subject."""
