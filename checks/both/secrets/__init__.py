"""Secrets in the package."""
