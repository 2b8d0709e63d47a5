"""How an Android app uses cryptography."""
