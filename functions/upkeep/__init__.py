"""The upkeep function: compacts and sweeps indexes."""
