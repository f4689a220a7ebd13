"""Whole journeys: the simulated clinic, and Stride under it."""
