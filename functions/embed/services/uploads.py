"""Stored uploads become part of their folders' indexes."""

from collections import defaultdict
from collections.abc import Sequence

from glimpse.index import IndexKey
from glimpse.keys import UploadKey
from glimpse.records import is_newer

from functions.embed.services.folder_run import FolderRun, Work
from functions.embed.services.work import Result, Tools, UploadEvent


class UploadIndexer:
    """Brings uploads into the indexes of their folders."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def process(self, events: Sequence[UploadEvent]) -> dict[UploadEvent, Result]:
        """Bring the objects of events into their indexes, one commit per folder.

        Parameters
        ----------
        events
            In any order, with repeats.

        Returns
        -------
        dict
            What became of each. One that could not be finished is POSTPONED, and never stops another.
        """
        newest: dict[UploadKey, UploadEvent] = {}
        for event in events:
            known = newest.get(event.key)
            if known is None or is_newer(event.sequencer, known.sequencer):
                newest[event.key] = event
        redelivered = {event.key for event in events if event.redelivered}
        folders: dict[tuple[int, int], list[Work]] = defaultdict(list)
        for key, event in newest.items():
            folders[key.user_id, key.folder_id].append(Work(key, event.sequencer, key in redelivered))
        results: dict[UploadKey, Result] = {}
        for (user_id, folder_id), works in folders.items():
            index = IndexKey(self._tools.namespace, self._tools.space_id, user_id, folder_id)
            results |= FolderRun(self._tools, index, works).run()
        return {event: results[event.key] for event in events}
