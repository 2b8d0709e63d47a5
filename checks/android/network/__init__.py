"""What may travel in clear, and who is trusted."""
