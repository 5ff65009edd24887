"""What requests used: kept on disk, summed up, priced, exported. What was said in them is none of it."""
