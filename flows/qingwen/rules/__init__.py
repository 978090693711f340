"""The rule tables (``*.toml``), shipped in the wheel, and what loads, checks and compiles them."""
