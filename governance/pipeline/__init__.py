"""Model folders: what they hold, how prompts are encoded, how images are drawn."""
