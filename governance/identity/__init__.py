"""SSH keys and the signatures people make with them."""
