"""The command line: every action, one JSON document, the contract's exit codes."""
