"""What a snapshot is: composed, compared, exported, and verified by an outsider."""
