"""What the rooms ask of engines: Protocols and their value types, one file each."""
