"""What an iOS app shows, and what is typed into it."""
