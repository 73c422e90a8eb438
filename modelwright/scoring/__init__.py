"""Judging answers: rubrics, text metrics, and what their numbers can and cannot tell.

`rubric` scores form by program, `text_metrics` compares with a reference, `stats` puts intervals and tests around
means, `metrics` names them all and scores a whole set, `overlap` looks for evaluation prompts in training data.
Importing any of them is cheap; what is heavy is imported inside a function.
"""
