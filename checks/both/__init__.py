"""Checks of any build."""
