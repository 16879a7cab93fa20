"""Which models there are, which are installed on this machine, and which one a deployment begins with."""

import os

# Before the hub's client is imported: models come by plain HTTP, whose broken connections are resumed and
# whose faults are known. The client's other way (Xet) is there for who sets this to 0.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
