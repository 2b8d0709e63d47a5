"""What an Android app stores and logs, and where."""
