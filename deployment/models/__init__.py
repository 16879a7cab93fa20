"""The models that exist, those installed on this machine, and the one a deployment starts with."""

import os

# Set before the hub's client is imported. Models come over plain HTTP: broken connections are resumed, and
# its failures are well understood. Set the variable to 0 to use the client's other transport, Xet.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
