"""What to tell whom, and when: pure rules over one patient's state."""
