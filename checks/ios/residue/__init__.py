"""What must not be left in a release."""
