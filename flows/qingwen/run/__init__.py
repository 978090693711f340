"""Many pages, once."""
