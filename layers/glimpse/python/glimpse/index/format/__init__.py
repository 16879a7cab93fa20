"""Object formats, except segments: the envelope, the manifest, the commit log, tombstones and sweep marks."""
