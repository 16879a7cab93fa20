"""From objects to vectors: the models, and the pictures that they are shown."""
