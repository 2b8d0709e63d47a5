"""What development left in an Android app."""
