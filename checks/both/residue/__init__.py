"""What development left in an app of any platform."""
