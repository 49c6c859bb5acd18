"""The terminal face: sees and acts through the ``Governance`` protocol alone."""
