"""The Official Transcript System: certified transcripts become documents, and each version is kept for ever."""
