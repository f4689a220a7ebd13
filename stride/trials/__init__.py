"""Simulated patients, judged by the product's own rules: how often a rule is wrong, and how fast it is right."""
