"""Data sets as people have them: reading, recognising, checking. No heavy imports; pyarrow only for Parquet, lazily."""
