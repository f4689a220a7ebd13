"""Stride: runs a clinic's courses of treatment as events."""
