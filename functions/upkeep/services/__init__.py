"""What the upkeep function does, apart from Lambda and AWS."""
