"""The gate in front of the embedded emulator decides which requests reach it.

The machine that runs Glimpse also runs a browser. Every page in it can send requests to every port. If the
page's own host name resolves to 127.0.0.1 (DNS rebinding), it can read the answers too. The emulator treats
``test``, twelve digits or no credentials at all as root, and has routes that wipe everything without any. So
only these reach it:

- its health check;
- requests signed in their headers (AWS Signature Version 4) with the key of an IAM user or a role's session,
  but never a browser's, which carries ``Origin``;
- presigned URLs, and signed POST forms for the bucket that has CORS rules. A page, of any origin, may use
  presigned URLs only to read (GET, HEAD) from that bucket: the signature is the permission;
- requests from the forwarder on the API's port to the HTTP API, with a secret;
- the responses of custom resources, at URLs that can't be guessed.

All of this only under the host name ``localhost`` or 127.0.0.1, with the emulator's port.
"""

from local.gate.gate import SECRET_HEADER, Gate

__all__ = ["SECRET_HEADER", "Gate"]
