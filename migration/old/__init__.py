"""What an old installation holds: read, judged, never changed."""
