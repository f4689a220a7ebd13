"""What came of a run, by an independent look at topics, tables and mail inbox."""
