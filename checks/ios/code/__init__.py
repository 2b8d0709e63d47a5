"""Code that an iOS app brings in or runs from data."""
