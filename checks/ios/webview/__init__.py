"""What an iOS app lets its web views do."""
