"""What is deployed: its size, and what a cold start of it takes."""
