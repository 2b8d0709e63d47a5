"""What other apps can reach."""
