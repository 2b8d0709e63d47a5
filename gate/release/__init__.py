"""Release control: what a scan leaves behind for whoever asks later what was released, and why."""
