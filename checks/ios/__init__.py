"""Checks of iOS builds."""
