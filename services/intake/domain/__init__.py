"""Intake's rules: what is taken in, what it becomes, and what is refused."""
