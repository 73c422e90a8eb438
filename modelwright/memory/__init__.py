"""What is remembered: a store with SQLite as its one truth, indexes over it that prove which commit they mirror, long-term memory.

    embedder = open_embedder(settings)                       # None where nothing fits: the store is lexical then
    with Store.open(workspace.database, embedder) as store:
        ids = store.write("papers", [NewItem("text", key="a.pdf#1", metadata={"file": "a.pdf"})], remove=[3, 4])   # one commit
        vector = store.embed_query("papers", "how …?")       # None, with a notice, where vectors cannot be compared
        hits = store.search_dense("papers", vector, 10, Filter(metadata={"file": "a.pdf"}))
        hits = store.search_lexical("papers", "how …?", 10)
        store.save("papers")                                 # after a bulk load: the next process opens instead of rebuilding
    purge(workspace, ids)                                    # forget.py

A collection is a name with items of its own and one vector space. Files: items (the vocabulary), schema, store, search,
spaces (which embedder made which vectors), generations (index files with proof), dense (FAISS), lexical, segment, scan and words (BM25),
hits (what is read back), embedders, longterm and write_gate and trust and recall (what runs leave behind), forget.
Importing this loads neither numpy nor FAISS.
"""

from modelwright.memory.embedders import Embedder, open_embedder
from modelwright.memory.items import Filter, Hit, Item, NewItem
from modelwright.memory.store import Store

__all__ = ["Embedder", "Filter", "Hit", "Item", "NewItem", "Store", "open_embedder"]
