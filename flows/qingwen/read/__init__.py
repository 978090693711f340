"""Files to pages: what there is to read, its bytes, its encoding."""
