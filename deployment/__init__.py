"""What talks to any deployment, in AWS or on an emulator; ``local`` runs the one on this machine."""
