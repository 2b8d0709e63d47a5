"""What an Android app shows and takes in."""
