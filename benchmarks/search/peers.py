"""What one would search vectors with instead: FAISS, hnswlib, usearch, LanceDB, each with its parameters."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.search.curves import Search, Vectors


@dataclass(frozen=True)
class Peer:
    """One built index.

    Attributes
    ----------
    name : str
        What it is.
    settings : sequence of (str, Search)
        Its parameter grid, from fast to thorough.
    build_s : float
        Seconds that building took.
    bytes_per_vector : float
        In memory, by its own account; NaN where it has none.
    """

    name: str
    settings: Sequence[tuple[str, Search]]
    build_s: float
    bytes_per_vector: float


def peers(images: Vectors, names: Sequence[str]) -> Iterator[Peer]:
    """Build and yield those of the named peers that are installed, one at a time."""
    makers: dict[str, Callable[[Vectors], contextlib.AbstractContextManager[Peer]]] = {
        "faiss-flat": _flat,
        "faiss-ivf-sq8": _ivf,
        "faiss-hnsw-sq8": _hnsw,
        "hnswlib": _hnswlib,
        "usearch": _usearch,
        "lancedb": _lancedb,
    }
    for name in names:
        try:
            made = makers[name](images)
            with made as peer:
                yield peer
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error.name} is not installed", flush=True)


def _faiss_search(index: Any, **parameters: int) -> Search:  # noqa: ANN401 - FAISS has no types
    def search(query: Vectors, count: int) -> npt.NDArray[np.int64]:
        for name, value in parameters.items():
            owner = index.hnsw if name == "efSearch" else index
            setattr(owner, name, value)
        rows: npt.NDArray[np.int64] = index.search(query[np.newaxis], count)[1][0]
        return rows

    return search


@contextlib.contextmanager
def _flat(images: Vectors) -> Iterator[Peer]:
    began = time.perf_counter()
    index = faiss.IndexFlatIP(images.shape[1])
    index.add(images)
    taken = time.perf_counter() - began
    yield Peer("FAISS flat", [("", _faiss_search(index))], taken, 4.0 * images.shape[1])


@contextlib.contextmanager
def _ivf(images: Vectors) -> Iterator[Peer]:
    began = time.perf_counter()
    lists = 4096 if len(images) >= 500_000 else 1024 if len(images) >= 50_000 else 256
    index = faiss.index_factory(images.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(images[:: max(1, len(images) // (64 * lists))])
    index.add(images)
    taken = time.perf_counter() - began
    probes = [p for p in (4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256) if p <= lists]
    grid = [(f"nprobe={p}", _faiss_search(index, nprobe=p)) for p in probes]
    yield Peer(f"FAISS IVF{lists},SQ8", grid, taken, index.sa_code_size() + 8.0)


@contextlib.contextmanager
def _hnsw(images: Vectors) -> Iterator[Peer]:
    began = time.perf_counter()
    index = faiss.index_factory(images.shape[1], "HNSW32,SQ8", faiss.METRIC_INNER_PRODUCT)
    index.train(images[:100_000])
    index.add(images)
    taken = time.perf_counter() - began
    grid = [(f"efSearch={e}", _faiss_search(index, efSearch=e)) for e in (16, 32, 64, 128, 256, 512)]
    yield Peer("FAISS HNSW32,SQ8", grid, taken, images.shape[1] + 4.0 * 64)


@contextlib.contextmanager
def _hnswlib(images: Vectors) -> Iterator[Peer]:
    import hnswlib

    began = time.perf_counter()
    index = hnswlib.Index(space="ip", dim=images.shape[1])
    index.init_index(max_elements=len(images), ef_construction=100, M=16)
    index.set_num_threads(1)
    index.add_items(images)
    taken = time.perf_counter() - began

    def searching(effort: int) -> Search:
        def search(query: Vectors, count: int) -> npt.NDArray[np.int64]:
            index.set_ef(effort)
            rows: npt.NDArray[np.int64] = index.knn_query(query, k=count, num_threads=1)[0][0].astype(
                np.int64
            )
            return rows

        return search

    grid = [(f"ef={e}", searching(e)) for e in (16, 32, 64, 128, 256, 512, 1024)]
    yield Peer("hnswlib M=16", grid, taken, 4.0 * images.shape[1] + 4 * 34)


@contextlib.contextmanager
def _usearch(images: Vectors) -> Iterator[Peer]:
    from usearch.index import Index

    began = time.perf_counter()
    index = Index(ndim=images.shape[1], metric="ip", dtype="f16")
    index.add(np.arange(len(images)), images, threads=1)
    taken = time.perf_counter() - began

    def searching(effort: int) -> Search:
        def search(query: Vectors, count: int) -> npt.NDArray[np.int64]:
            index.expansion_search = effort
            rows: npt.NDArray[np.int64] = index.search(query, count, threads=1).keys.astype(np.int64)
            return rows

        return search

    grid = [(f"expansion={e}", searching(e)) for e in (16, 32, 64, 128, 256, 512, 1024)]
    yield Peer("usearch f16", grid, taken, index.memory_usage / len(images))


@contextlib.contextmanager
def _lancedb(images: Vectors) -> Iterator[Peer]:
    import lancedb
    import pyarrow as pa

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        dimension = images.shape[1]
        column = pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), dimension)
        rows = pa.table({"row": pa.array(np.arange(len(images))), "vector": column})
        table = lancedb.connect(folder).create_table("images", rows)
        lists = max(16, round(len(images) ** 0.5))
        table.create_index(metric="dot", num_partitions=lists, num_sub_vectors=dimension // 8)
        taken = time.perf_counter() - began

        def searching(probes: int, refine: int) -> Search:
            def search(query: Vectors, count: int) -> npt.NDArray[np.int64]:
                asked = table.search(query).distance_type("dot").nprobes(probes).refine_factor(refine)
                found = asked.limit(count).select(["row", "_distance"]).to_arrow()
                answer: npt.NDArray[np.int64] = found["row"].to_numpy()
                return answer

            return search

        grid = [
            (f"nprobes={p} refine={r}", searching(p, r))
            for p, r in ((8, 5), (20, 10), (50, 20), (100, 30), (200, 100), (400, 200))
        ]
        yield Peer("LanceDB IVF_PQ", grid, taken, float("nan"))
