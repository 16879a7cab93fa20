"""What talks to any deployment, in AWS or on an emulator. Nothing here knows how one machine runs it."""
