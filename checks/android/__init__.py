"""Checks of Android builds."""
