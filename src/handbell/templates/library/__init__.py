"""The texts that every organisation starts with, one packaged file per purpose."""

from handbell.templates.library.loading import load

__all__ = ["load"]
