"""How much a request may say; every limit is named in its refusal."""

TITLE = 120
NAME = 120
REFERENCE = 200
RATIONALE = 10_000
# CLIP reads 77 tokens; no prompt it can use is longer than this.
PROMPT = 1_000
CONCEPTS = 10_000
ATTRIBUTES = 32
PRESERVE = 100_000
CHECKS = 1_000
IMAGES = 64

LIST_FILE_BYTES = 16 * 1024 * 1024
IMAGE_BYTES = 32 * 1024 * 1024
VALUES_BYTES = 512 * 1024 * 1024
