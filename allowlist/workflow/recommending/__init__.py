"""What does a workload need? Read what is there, and propose catalogs with the line that asks for each."""
