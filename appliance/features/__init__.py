"""The rooms. A room imports lower shelves through their package face, never a sibling, never upwards."""
