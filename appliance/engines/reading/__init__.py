"""Reading files somebody sent: a Parser whose every reader runs in the sandbox."""
