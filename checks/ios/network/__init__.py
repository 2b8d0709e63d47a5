"""App Transport Security."""
