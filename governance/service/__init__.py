"""What people do: propose, apply, check, sign, revert, export, verify."""
