"""Intake: patients, consultations and plans, and the edge where clinic systems hand in what happened."""
