"""Which models there are, which are installed on this machine, and which one a deployment begins with."""
