"""Edit, prove and take back what a text-to-image model knows."""

__version__ = "0.1.0"
