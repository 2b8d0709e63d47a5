"""Bytes to facts: one small, bounded parser a file format, each naming its specification."""
