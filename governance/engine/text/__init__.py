"""Text-encoder edits: ReFACT and EMCID rows, solved layer by layer."""
