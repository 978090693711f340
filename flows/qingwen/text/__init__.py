"""What is true of text, whatever the page."""
