"""How well the planner plans here, measured by anybody: `modelwright bench-planner`.

requests.py      requests with the plan that is expected; a small set ships beside it
bfcl.py          function-calling cases (Berkeley) through the same planner, with tools that it has never seen
schema_tools.py  a function as JSON schema -> a Tool
accepted.py      whether a call is one of the accepted answers
free_json.py     the same cases, the model asked for JSON without any of the above
table.py         rates with intervals
"""
