"""Data at rest."""
