"""Runs handlers, each in a forked and caged copy of one warmed interpreter.

`fork_server` accepts connections and forks, `cage` locks the child up, `run_handler` runs the user's code in it.
"""
