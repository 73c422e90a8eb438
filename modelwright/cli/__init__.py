"""The command line: parsing and printing only. `main.py` is the entry point, commands stand in the other files by subject."""
