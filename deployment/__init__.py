"""Code that talks to any deployment, in AWS or on an emulator. It does not know how one machine runs it."""
