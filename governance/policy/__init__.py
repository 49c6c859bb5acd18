"""Rules as data, and verdicts as pure functions of facts."""
