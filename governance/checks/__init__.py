"""Evidence: what an edit does to images and weights, with intervals."""
