"""An index with a history, and what a search finds in it."""

from glimpse.index import IndexKey, IndexReader, IndexWriter

from tests.unit.index.vectors import batch_of, unit_vectors


def found(reader: IndexReader, key: IndexKey) -> dict[int, float]:
    answer = reader.search([key], unit_vectors(1, seed=9)[0], 1000)
    assert answer.problems == []
    return {hit.image_id: hit.score for hit in answer.hits}


def fill(writer: IndexWriter, key: IndexKey) -> None:
    writer.begin(key).commit(batch_of([1, 2, 3], seed=1))
    writer.begin(key).commit(batch_of([4, 5], seed=2))
    writer.begin(key).commit(removed=[1])
    writer.begin(key).commit(batch_of([1], seed=3))  # comes back
    writer.begin(key).commit(batch_of([2], seed=4), removed=[2])  # is replaced
    writer.begin(key).commit(batch_of([4, 5], seed=2))  # was delivered twice
    writer.begin(key).commit(removed=[5, 99])
