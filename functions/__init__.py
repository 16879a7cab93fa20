"""The deployed functions; none imports another."""
