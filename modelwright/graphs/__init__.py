"""LangGraph: the state, the nodes, the edges; the plan checker, the gate, the ledger. With agent/ the only room that knows LangGraph."""
