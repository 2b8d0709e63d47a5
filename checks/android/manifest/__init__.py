"""Switches of the whole app."""
