"""AWS, as the services see it."""
