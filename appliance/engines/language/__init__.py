"""What a text's language changes: its little words, its stems, how it is told from others."""
