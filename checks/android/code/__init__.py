"""Commands, queries, files and code that an Android app builds from input."""
