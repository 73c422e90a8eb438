"""The conversation in a terminal: the only room that draws on a screen."""
