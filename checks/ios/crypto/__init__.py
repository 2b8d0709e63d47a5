"""Ciphers, keys, hashes and random numbers."""
