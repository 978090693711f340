"""The engine of many pages: plan, batches, staging, publishing, duplicates, the dataset card."""
