"""What reaches AWS."""
