"""What `stride doctor` looks at: small checks, each with a fix to copy."""
