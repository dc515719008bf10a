"""Folds of the log into rows that can be thrown away and rebuilt."""
