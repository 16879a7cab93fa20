"""Ingest: adds vectors to the indexes of a folder. :mod:`~glimpse.ingest.protocol` describes the steps."""

from glimpse.ingest.protocol import ROUNDS, IndexVersions, Ingest, Ingestion, indexes_of, no_records

__all__ = ["ROUNDS", "IndexVersions", "Ingest", "Ingestion", "indexes_of", "no_records"]
