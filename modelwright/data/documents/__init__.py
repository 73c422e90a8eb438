"""Documents: from files of ten kinds to one text with places in it, and from that text to chunks.

`loading.load(path)` gives a `Document`; `chunking.chunk(document, …)` gives spans of its text. Everything that is found,
shown or cited later is a span `text[a:b]` of that one text, so nothing here ever changes a text after it was made.

Not here: embedding, storing, searching (memory/documents).
"""
