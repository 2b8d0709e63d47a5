"""How an Android app knows its user."""
