"""Louisiana Student Transcript System (STS) batch files."""
