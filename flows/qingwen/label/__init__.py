"""Blocks to verdicts: features, rules, structure, the decision over the sequence, the title."""
