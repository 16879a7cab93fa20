"""What stands before the embedded emulator, and decides what reaches it.

Whoever runs Glimpse also has a browser, and every page in it can send requests to every port of the machine;
by a name of its own that it has resolved to 127.0.0.1, it can read the answers, too. The emulator takes
``test``, twelve digits or no credentials at all for root, and has routes that wipe everything without any. So
nothing reaches it but

- its health;
- what is signed (AWS Signature Version 4) with a key of an IAM user or a role's session, in the headers; a
  browser's requests, which say their ``Origin``, never;
- signed addresses, and signed forms (POST) of the bucket that has CORS rules; from pages, whichever they
  are, addresses to read (GET, HEAD) from that bucket alone: the signature is the permission;
- what the forwarder on the API's port sends to the HTTP API, with a secret;
- the answers of custom resources, at addresses that can't be guessed.

And all of that only at ``localhost`` or 127.0.0.1, with the emulator's port.
"""

from local.gate.gate import SECRET_HEADER, Gate

__all__ = ["SECRET_HEADER", "Gate"]
