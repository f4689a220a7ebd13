"""How often progress is wrong, and how fast it is right, on simulated patients."""
