"""eventsourcing's own way: a Projection under its ProjectionRunner, one transaction an event."""

from threading import Event
from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from benchmarks.peers.rows import Rows
from benchmarks.peers.store import CommitAppended, Commits, settings
from events.log.contract import Record


class View(PostgresTrackingRecorder):
    """The views' database, with the library's own record of the place in it."""

    rows: Rows
    last: int
    reached: Event

    def write(self, record: Record, tracking: Tracking) -> None:
        """Write one event's rows and its place in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            self.rows.write(cursor, [record])
        if tracking.notification_id == self.last:
            self.reached.set()


class Transcripts(Projection[View]):
    """Current transcripts, event by event."""

    name = "transcripts"

    def process_event(self, domain_event: CommitAppended, tracking: Tracking) -> None:
        """Hand one event to the view."""
        self.view.write(Record(tracking.notification_id - 1, domain_event.data), tracking)


def follow(store_dsn: str, views_dsn: str, last: int, rows: Rows) -> None:
    """Run the projection from the store's beginning until notification `last` is in the views' database."""
    reached = Event()
    view: Any = type("BenchView", (View,), {"rows": rows, "last": last, "reached": reached})
    views = {f"TRANSCRIPTS_{name}": value for name, value in settings(views_dsn).items()}
    env = settings(store_dsn) | views
    with ProjectionRunner(application_class=Commits, projection_class=Transcripts, view_class=view, env=env) as runner:
        while not reached.wait(timeout=0.05) and not runner.is_interrupted.is_set():
            pass  # on leaving, the runner raises what interrupted it
