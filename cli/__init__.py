"""The ``glimpse`` command: models, and what an operator does to a deployment."""
