"""Deletes many recordings in the background, by the way that no crash harms."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lightnvr.db.engine import Database
from lightnvr.recording import selection
from lightnvr.recording.model import JobNotFound, RecordingFilter, TooManyJobs
from lightnvr.recording.removal import AT_ONCE, Removal
from lightnvr.recording.service import DeletionProgress, JobState

_MOST_RUNNING = 10
_MOST_KEPT = 200
_KEPT_S = 300.0
_LONGEST_PAUSE_S = 0.2

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    owner: int
    progress: DeletionProgress
    task: asyncio.Task[None] | None = None
    ended_s: float | None = None


class StoredBatchDeletions:
    """Implements `BatchDeletions`. Jobs are in memory, for five minutes after they ended. Belongs to the event loop."""

    def __init__(self, database: Database, removal: Removal, monotonic_s: Callable[[], float]) -> None:
        self._database = database
        self._removal = removal
        self._monotonic_s = monotonic_s
        self._jobs: dict[str, _Job] = {}

    async def start(self, owner: int, chosen: Sequence[int] | RecordingFilter, *, absent: int = 0) -> DeletionProgress:
        """See BatchDeletions."""
        self._forget_old()
        if sum(job.ended_s is None for job in self._jobs.values()) >= _MOST_RUNNING:
            raise TooManyJobs(f"{_MOST_RUNNING} deletions are running already. Try again when one of them is done.")
        total = 0 if isinstance(chosen, RecordingFilter) else len(chosen)
        progress = DeletionProgress(str(uuid.uuid4()), JobState.PENDING, total + absent, failed=absent)
        job = self._jobs[progress.job_id] = _Job(owner, progress)
        job.task = asyncio.create_task(self._run(job, chosen), name=f"deletion {progress.job_id}")
        return progress

    def progress(self, owner: int, job_id: str) -> DeletionProgress:
        """See BatchDeletions."""
        self._forget_old()
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise JobNotFound(job_id)
        return job.progress

    async def close(self) -> None:
        """End what is running. What was deleted so far is deleted, the rest stays."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: _Job, chosen: Sequence[int] | RecordingFilter) -> None:
        try:
            await self._delete(job, chosen)
        except Exception as error:
            # The one who asks for the progress is told; the log has the rest.
            log.exception("deleting many recordings failed")
            job.progress = replace(
                job.progress, state=JobState.ERROR, error=f"The deletion stopped: {error.__cause__ or error}"
            )
        else:
            job.progress = replace(job.progress, state=JobState.COMPLETE)
        finally:
            job.ended_s = self._monotonic_s()

    async def _delete(self, job: _Job, chosen: Sequence[int] | RecordingFilter) -> None:
        if isinstance(chosen, RecordingFilter):
            async with self._database.reading.connect() as connection:
                chosen = await selection.finished_ids(connection, chosen)
        job.progress = replace(job.progress, state=JobState.RUNNING, total=len(chosen) + job.progress.failed)
        for first in range(0, len(chosen), AT_ONCE):
            some = chosen[first : first + AT_ONCE]
            began_s = self._monotonic_s()
            gone = len((await self._removal.remove(some)).recordings)
            job.progress = replace(
                job.progress,
                succeeded=job.progress.succeeded + gone,
                failed=job.progress.failed + len(some) - gone,
            )
            # Recorders and requests get as much of the database and the disk as this took.
            await asyncio.sleep(min(_LONGEST_PAUSE_S, self._monotonic_s() - began_s))
        log.info("%d of %d recordings were deleted on request", job.progress.succeeded, len(chosen))

    def _forget_old(self) -> None:
        now_s = self._monotonic_s()
        ended = [(job.ended_s, key) for key, job in self._jobs.items() if job.ended_s is not None]
        surplus = max(0, len(ended) - _MOST_KEPT)
        for number, (ended_s, key) in enumerate(sorted(ended)):
            if number < surplus or now_s - ended_s > _KEPT_S:
                del self._jobs[key]
