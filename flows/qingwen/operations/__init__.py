"""What a Prefect flow needs beside its work: typed parameters, runners, and what it tells of itself."""
