"""What an Android app lets its web views do."""
