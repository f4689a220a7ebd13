"""Console is what people see of Stride.

It owns no facts: it keeps a copy of all that the other services publish about a patient, and the
views that follow from it. Nothing is decided here, so a console that is rebuilt from the log is the
same console.
"""
