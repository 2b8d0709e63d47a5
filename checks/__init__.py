"""The checks: one file a check, found by walking these folders."""
