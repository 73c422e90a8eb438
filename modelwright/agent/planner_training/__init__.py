"""How the adapter of the built-in planning model is made: patterns -> rows -> finetune -> export -> scores.

patterns.py   requests with slots, from models/planner/patterns.jsonl, and the ways to say more with them
values.py     what stands in the slots: file names, models, numbers, in the many ways that people write them
noise.py      typing slips, politeness, chatter
toys.py       tools without a program: planned ones, and invented ones that teach to read a card
rows.py       a filled request -> what the model reads and what it is to write, by the planner's own finder of values
overlap.py    refuses what is too near a held-out request
build.py      all of it: `python -m modelwright.agent.planner_training`
score.py      drafts of held-out requests with and without the adapter

`make planner-adapter` runs it. Nothing of it runs when a user plans.
"""
