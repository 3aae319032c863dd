"""The page in the browser. Needs Gradio."""
