"""Making pictures: a network held open, whole folders, films, and many machines."""
