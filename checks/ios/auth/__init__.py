"""Face ID, Touch ID and passcode."""
