"""How vectors get into the indexes of a folder; see :mod:`~glimpse.ingest.protocol` for the steps."""

from glimpse.ingest.protocol import ROUNDS, IndexVersions, Ingest, Ingestion, indexes_of, no_records

__all__ = ["ROUNDS", "IndexVersions", "Ingest", "Ingestion", "indexes_of", "no_records"]
