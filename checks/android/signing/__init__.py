"""Signatures and signers."""
