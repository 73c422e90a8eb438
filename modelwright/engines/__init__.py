"""Child processes that speak JSON lines; the only code that imports torch, transformers, trl, peft and llama_cpp.

`client.py` is the parent's side, `child.py` the child's. Each other file is one engine with
`run(spec, job) -> result`, both plain JSON. Nothing here is imported by `import modelwright`.
"""
