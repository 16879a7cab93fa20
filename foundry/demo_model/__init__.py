"""The demo model: trained on drawn scenes, made a bundle, and measured."""
