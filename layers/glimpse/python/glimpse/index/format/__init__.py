"""What lies in the bucket besides vectors: the envelope, the manifest, the log of commits, tombstones."""
