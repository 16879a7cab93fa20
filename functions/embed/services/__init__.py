"""What the embed function does, apart from Lambda and AWS."""
