"""Pages to blocks: plain dumps and HTML become the same kind of blocks, which tile the page's text."""
