"""Vector segments, flat and IVF: building, verifying and scanning them."""
