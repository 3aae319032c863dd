"""How each art form is made: an objective, a start and a schedule for the one engine."""
