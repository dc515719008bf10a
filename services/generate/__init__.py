"""A synthetic sponsor: students, courses and credentials as a batch file, the same bytes for the same seed."""

from services.generate.file import Answer, Canaries, GeneratedFile, Spec, generate

__all__ = ["Answer", "Canaries", "GeneratedFile", "Spec", "generate"]
