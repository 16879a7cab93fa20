"""Images of other backends, brought into the index of a new space.

They have no records: which of them there are, the active space's index says, and which file each is, was
noted when it was embedded. From the start of the change on, new ones go to both spaces, the active one first;
and whoever deletes an index deletes that of every space, and looks at the spaces again afterwards.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass

from glimpse.generations import OtherMark, Phase
from glimpse.index import Attempt, EpochChanged, IndexKey, ObjectStore, SegmentIdCache, image_ids
from glimpse.messages import BackfillOthers
from glimpse.other_keys import other_key
from glimpse.records import parts_of

from functions.embed.services.embedding.preparing import Prepared, Source
from functions.embed.services.model_change.folder_backfill import BATCH, RESERVE_SECONDS, Progress
from functions.embed.services.ports import Encoder, Maintenance, OtherMarks, Pointer, StorageUnavailable
from functions.embed.services.work import Tools, vectors

_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class OthersBackfill:
    """Fills other backends' indexes in a new space.

    Attributes
    ----------
    tools, store
        Storage, indexes and encoders.
    pointer
        Which generations there are.
    marks
        How far the indexes are.
    maintenance
        Takes what one invocation has no time for.
    clock
        Seconds since 1970-01-01 UTC.
    """

    tools: Tools
    store: ObjectStore
    pointer: Pointer
    marks: OtherMarks
    maintenance: Maintenance
    clock: Callable[[], float] = time.time

    def run(
        self, request: BackfillOthers, *, receive_count: int, remaining_seconds: Callable[[], float]
    ) -> Progress:
        """Fill one index, or as much of it as there is time for; raises like that of a folder."""
        encoders = self.tools.encoders.of([request.space_id])
        now = self.pointer.fresh()
        if not encoders or now.phase is not Phase.BUILDING:
            return Progress.DROPPED
        namespace, user_id, folder_id = parts_of(request.index_key)
        source = IndexKey(namespace, now.active.space_id, user_id, folder_id)
        target = IndexKey(namespace, request.space_id, user_id, folder_id)
        # An earlier delivery may have ended between its commit and its look back: pass over nothing then.
        is_repeated = receive_count > 1
        kept: SegmentIdCache = {}  # a large index is not to be read again for every batch
        while remaining_seconds() >= RESERVE_SECONDS:
            attempt = self.tools.writer.begin(target)
            there, present = image_ids(self.store, target, kept), image_ids(self.store, source, kept)
            missing = present if is_repeated else present - there
            batch = sorted(image_id for image_id in missing if image_id > request.after)[:BATCH]
            with suppress(EpochChanged):  # its owner deleted it: the next look at both indexes tells
                if not batch:
                    in_new = image_ids(self.store, target, kept)
                    self._remove(attempt, in_new - image_ids(self.store, source, kept))
                    self._mark(request, now.revision, is_complete=True)
                    return Progress.DONE
                todo = _Batch(attempt, source, request.index_key, batch, there, kept)
                left_out = self._embed(todo, encoders)
                request = request.model_copy(
                    update={"after": batch[-1], "left_out": request.left_out + left_out}
                )
                self._mark(request, now.revision, is_complete=False)
        self.maintenance.send(request)
        return Progress.CONTINUED

    def _mark(self, request: BackfillOthers, revision: int, *, is_complete: bool) -> None:
        mark = OtherMark(is_complete, request.left_out, int(self.clock()), revision)
        self.marks.put(request.space_id, request.index_key, mark)

    def _embed(self, batch: "_Batch", encoders: Mapping[str, Encoder]) -> int:
        """Embed images and commit them; return how many of them can't be embedded."""
        todo, replaced = list(batch.image_ids), batch.there
        left_out = 0
        for _ in range(_ROUNDS):
            paths = self.tools.others.paths(batch.index_key, todo)
            ready = self._prepare(batch.index_key, paths, encoders)
            left_out += len(todo) - len(ready)
            self._commit(batch.attempt, ready, sorted(replaced & set(todo)))
            self._remove(batch.attempt, ready.keys() - image_ids(self.store, batch.source, batch.kept))
            now = self.tools.others.paths(batch.index_key, ready)
            todo = [image_id for image_id in ready if image_id in now and now[image_id] != paths[image_id]]
            if not todo:
                return left_out
            replaced = set(todo)
        raise StorageUnavailable(f"images of the index {batch.index_key} kept being replaced")

    def _prepare(
        self, index_key: str, paths: Mapping[int, str], encoders: Mapping[str, Encoder]
    ) -> dict[int, Prepared]:
        """Return the pictures of an index.

        A file that was embedded before each namespace had files of its own may have been moved under the
        namespace's name since, and is read where it was if not: nothing else is noted under another name.
        """
        namespace, user_id, folder_id = parts_of(index_key)
        own = None if namespace == self.tools.namespace else namespace
        keys = {
            image_id: other_key(path, own, user_id, folder_id) or path for image_id, path in paths.items()
        }
        sources = {image_id: Source(key) for image_id, key in keys.items()}
        ready = self.tools.prepare_now(sources, encoders)
        unmoved = {
            image_id: Source(path)
            for image_id, path in paths.items()
            if image_id not in ready and path != keys[image_id]
        }
        return ready | self.tools.prepare_now(unmoved, encoders)

    def _commit(self, attempt: Attempt, ready: Mapping[int, Prepared], removed: Sequence[int]) -> None:
        if ready or removed:
            self.tools.commit(attempt, vectors(ready, attempt.key.space_id), removed)

    def _remove(self, attempt: Attempt, gone: Collection[int]) -> None:
        self._commit(attempt, {}, sorted(gone))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Images on their way: the change to the new index, the active one, and what the new one has already.

    `kept` is what was read of both.
    """

    attempt: Attempt
    source: IndexKey
    index_key: str
    image_ids: Sequence[int]
    there: Set[int]
    kept: SegmentIdCache
