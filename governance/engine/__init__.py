"""Concepts become weight deltas: matrices only, no ledger, policy or files."""
