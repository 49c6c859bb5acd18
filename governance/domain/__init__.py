"""Frozen facts: edits, snapshots, sign-offs, their lifecycle and their events."""
