"""What a person reads: a page with its removals and changes marked."""
