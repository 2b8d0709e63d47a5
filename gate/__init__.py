"""Decide whether a mobile app build may be released."""

__version__ = "0.1.0"
