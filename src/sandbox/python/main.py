"""Started by the host, never imported: `main.py probe` or `main.py serve <json>`.

Written so that any Python 3 can read it, because the first thing it does is to say that it is too old.
"""

import json
import os
import sys

OLDEST = (3, 10)


def main():
    # Our folder is on the path only for this import: no handler shall find our modules by name.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [here] + [entry for entry in sys.path if os.path.abspath(entry) != here]
    mode = sys.argv[1]
    if sys.version_info < OLDEST or sys.implementation.name != 'cpython':
        print(json.dumps({'version': sys.version.split()[0], 'executable': sys.executable, 'supported': False}))
        return
    if mode == 'probe':
        from afterword_cage.probe import probe

        sys.path.remove(here)
        print(json.dumps(probe()))
    elif mode == 'serve':
        from afterword_cage.fork_server import serve

        sys.path.remove(here)
        serve(json.loads(sys.argv[2]))


main()
