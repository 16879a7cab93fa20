"""What is merged, and when; and what goes once nothing refers to it."""
