"""What every service stands on: the flow map, the facts, the messaging runtime."""
