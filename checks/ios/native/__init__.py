"""Mach-O programs."""
