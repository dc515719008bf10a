"""Intake: files in, one commit a student out, resumable at every step."""
