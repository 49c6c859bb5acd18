"""The papers' tables: a set of edits, some methods, and what a judge sees."""
