"""Text to edits: the character passes. Each proposes; `passes.run` alone applies."""
