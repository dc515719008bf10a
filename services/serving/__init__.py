"""`ledger serve`: intake, follower, OTS worker and feeds as one process, or each alone."""
