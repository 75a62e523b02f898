"""The texts that every organisation starts with, one packaged file per purpose."""

from handbell.templates.library.loading import load, read

__all__ = ["load", "read"]
