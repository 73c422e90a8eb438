"""How large things are, by formula: KV caches, weights, training, speed. Plain arithmetic on plain numbers.

Nothing here reads a model file, asks an engine or imports anything heavy: engines/ and tools/ bring the numbers.
"""
