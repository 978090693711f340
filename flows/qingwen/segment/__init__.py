"""Pages to blocks: plain dumps and HTML give the same blocks, which tile the page's text."""
