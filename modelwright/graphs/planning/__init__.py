"""From a request to a plan, by code first: candidates -> intents -> workflows -> fill.

Nothing is invented: every argument is a span of the request, an answer, an earlier step's result or part of a named
workflow. The model is asked only where the rules are not decisive, and only to choose.
"""
