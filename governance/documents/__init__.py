"""Files people write: YAML read strictly, requests and suites made of it."""
