"""What keeps others out: lock window, keys, profiles, idle and sleep."""
