"""What talks to any deployment, in AWS or on an emulator; ``local`` starts and ends the one on this machine."""
