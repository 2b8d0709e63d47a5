"""Where an Android app sends personal data."""
