"""The page in the browser. Needs NiceGUI."""
