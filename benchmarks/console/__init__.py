"""How fast pages of the console come, how soon they show what happened, and how they fare with axe."""
