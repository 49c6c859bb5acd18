"""Where long work runs: one-thread child processes on this machine."""
