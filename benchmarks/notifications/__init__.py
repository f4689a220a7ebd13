"""What notifications promises, measured: timers, backlogs, latency, kills, and how many alerts a clinician gets."""
