"""The search service's access to AWS."""
