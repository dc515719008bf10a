"""The page loop: `select_notifications(limit=500)`, and one transaction a page for the rows and the place."""

import psycopg

from benchmarks.peers.rows import Rows
from benchmarks.peers.store import Commits, settings
from events.log.contract import Record

PAGE = 500


def follow(store_dsn: str, views_dsn: str, last: int, rows: Rows) -> None:
    """Read the store from its beginning to notification `last`, and write what it says into the views' database."""
    with Commits(env=settings(store_dsn)) as application, psycopg.connect(views_dsn, autocommit=True) as views:
        views.execute("create table page_loop as select 0::bigint as place")
        place = 0
        while place < last:
            page = application.recorder.select_notifications(place + 1, PAGE)
            place = page[-1].id
            with views.transaction(), views.cursor() as cursor:
                rows.write(cursor, [Record(each.id - 1, each.state) for each in page])
                cursor.execute("update page_loop set place = %s", [place])
