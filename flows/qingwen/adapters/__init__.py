"""Steps for the pipelines of other packages, each thin over a `qingwen.Cleaner`, each with its package as an extra."""
