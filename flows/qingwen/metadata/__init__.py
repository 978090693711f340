"""What a page states of its article: date with its precision, authors, source, category, place, site, rights."""
