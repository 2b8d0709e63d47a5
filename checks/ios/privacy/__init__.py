"""What the app may learn of its user, and what it says about that."""
