"""The ``glimpse`` command: manage models and operate a deployment."""
