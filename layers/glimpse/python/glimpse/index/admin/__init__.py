"""What operators do with indexes: list, check, repair, compact, export."""
