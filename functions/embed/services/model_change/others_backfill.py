"""Images of other backends, brought into the index of a new space.

They have no records: which of them there are, the active space's index says, and which file each is, was
noted when it was embedded. So that index is the owner that :mod:`glimpse.ingest` looks at. From the start
of the change on, new images go to both spaces, the active one first; and whoever deletes an index deletes
that of every space, and looks at the spaces again afterwards.
"""

import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from glimpse.generations import CachedGenerations, OtherMark, OtherMarkStore, Phase
from glimpse.index import EpochChanged, IndexKey, ObjectStore, SegmentIdCache, image_ids
from glimpse.ingest import Ingest
from glimpse.maintenance import MaintenanceQueue
from glimpse.messages import BackfillOthers
from glimpse.other_keys import other_key
from glimpse.queues import WorkOutcome
from glimpse.records import OtherImageStore, parts_of

from functions.embed.services.embedding.encoders import Encoder, Encoders
from functions.embed.services.embedding.preparing import Prepared, Preparer, Source
from functions.embed.services.model_change.filling import fill
from functions.embed.services.model_change.folder_backfill import BATCH, RESERVE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class OthersBackfill:
    """Fills other backends' indexes in a new space.

    Attributes
    ----------
    store
        The indexes.
    others
        Which file each image is.
    encoders, preparer
        Make vectors of pictures.
    ingest
        Brings them into indexes.
    namespace
        Of the folders that have records; other backends may use it as well.
    pointer
        Which generations there are.
    marks
        How far the indexes are.
    maintenance
        Takes what one invocation has no time for.
    clock
        Seconds since 1970-01-01 UTC.
    """

    store: ObjectStore
    others: OtherImageStore
    encoders: Encoders
    preparer: Preparer
    ingest: Ingest
    namespace: str
    pointer: CachedGenerations
    marks: OtherMarkStore
    maintenance: MaintenanceQueue
    clock: Callable[[], float] = time.time

    def run(
        self, request: BackfillOthers, *, receive_count: int, remaining_seconds: Callable[[], float]
    ) -> WorkOutcome:
        """Fill one index, or as much of it as there is time for; raises like that of a folder."""
        encoders = self.encoders.of([request.space_id])
        now = self.pointer.fresh()
        if not encoders or now.phase is not Phase.BUILDING:
            return WorkOutcome.DROPPED
        namespace, user_id, folder_id = parts_of(request.index_key)
        source = IndexKey(namespace, now.active.space_id, user_id, folder_id)
        target = IndexKey(namespace, request.space_id, user_id, folder_id)
        # An earlier delivery may have ended between its commit and its look back: pass over nothing then.
        is_repeated = receive_count > 1
        kept: SegmentIdCache = {}  # a large index is not to be read again for every batch

        def in_active() -> set[int]:
            return image_ids(self.store, source, kept)

        def look() -> tuple[set[int], set[int]]:
            return image_ids(self.store, target, kept), in_active()

        while remaining_seconds() >= RESERVE_SECONDS:
            ingestion = self.ingest.begin({target: 0}, look)
            there, present = ingestion.seen
            missing = present if is_repeated else present - there
            batch_ids = sorted(image_id for image_id in missing if image_id > request.after)[:BATCH]
            with suppress(EpochChanged):  # its owner deleted it: the next look at both indexes tells
                if not batch_ids:
                    in_new, still_there = look()
                    ingestion.take_back(in_new - still_there)
                    self._mark(request, now.revision, is_complete=True)
                    return WorkOutcome.DONE
                batch = _Batch(self, encoders, request.index_key, in_active)
                filled = fill(ingestion, request.space_id, batch_ids, there, batch)
                request = request.model_copy(
                    update={"after": batch_ids[-1], "left_out": request.left_out + filled.left_out}
                )
                self._mark(request, now.revision, is_complete=False)
        self.maintenance.send(request)
        return WorkOutcome.CONTINUED

    def _mark(self, request: BackfillOthers, revision: int, *, is_complete: bool) -> None:
        mark = OtherMark(is_complete, request.left_out, int(self.clock()), revision)
        self.marks.put(request.space_id, request.index_key, mark)

    def prepare(
        self, index_key: str, paths: Mapping[int, str], encoders: Mapping[str, Encoder]
    ) -> dict[int, Prepared]:
        """Return the pictures of an index.

        A file that was embedded before each namespace had files of its own may have been moved under the
        namespace's name since, and is read where it was if not: nothing else is noted under another name.
        """
        namespace, user_id, folder_id = parts_of(index_key)
        own = None if namespace == self.namespace else namespace
        keys = {
            image_id: other_key(path, own, user_id, folder_id) or path for image_id, path in paths.items()
        }
        sources = {image_id: Source(key) for image_id, key in keys.items()}
        ready = self.preparer.prepare_known(sources, encoders)
        unmoved = {
            image_id: Source(path)
            for image_id, path in paths.items()
            if image_id not in ready and path != keys[image_id]
        }
        return ready | self.preparer.prepare_known(unmoved, encoders)


class _Batch:
    """Images of an index on their way; `paths` are their files as they were noted last.

    `active` reads which images the active space's index has now.
    """

    def __init__(
        self,
        backfill: OthersBackfill,
        encoders: Mapping[str, Encoder],
        index_key: str,
        active: Callable[[], Set[int]],
    ) -> None:
        self._backfill = backfill
        self._encoders = encoders
        self._index_key = index_key
        self._active = active
        self._paths: Mapping[int, str] = {}

    def prepare(self, image_ids: Sequence[int]) -> dict[int, Prepared]:
        """Embed those of which the file is known and can be read."""
        self._paths = self._backfill.others.paths(self._index_key, image_ids)
        return self._backfill.prepare(self._index_key, self._paths, self._encoders)

    def deleted(self, _image_ids: Sequence[int], ready: Mapping[int, Prepared]) -> Set[int]:
        """Count as deleted what the active space's index does not have any more."""
        return ready.keys() - self._active()

    def replaced(self, ready: Mapping[int, Prepared]) -> list[int]:
        """Compare the files that are noted now."""
        now = self._backfill.others.paths(self._index_key, ready)
        return [image_id for image_id in ready if image_id in now and now[image_id] != self._paths[image_id]]
