"""Runs attacks without any cage, so that it is seen that they are attacks. {name: expression} comes as JSON, {name: outcome} goes.

Each has processes of its own, which end with it: it, a parent and a sibling; and a folder, listeners and a connection of its own.
"""

import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time

import attack

TIMEOUT_SECONDS = 20
CONNECTION = 3


def listener(address, family=socket.AF_UNIX):
    server = socket.socket(family)
    server.bind(address)
    server.listen()
    return server


def run(expression, number):
    folder = tempfile.mkdtemp()
    try:
        secret = os.path.join(folder, 'secret')
        with open(secret, 'w') as file:
            file.write('a secret of the worker')
        os.symlink(secret, os.path.join(folder, 'link'))
        abstract = 'afterword-attack-%d-%d' % (os.getpid(), number)
        servers = [listener(os.path.join(folder, 'server')), listener('\0' + abstract)]
        servers.append(listener(('127.0.0.1', 0), socket.AF_INET))
        client = socket.socket(socket.AF_UNIX)
        client.connect(servers[0].getsockname())
        connection = servers[0].accept()[0]
        context = {
            'folder': folder,
            'file': secret,
            'link': os.path.join(folder, 'link'),
            'server': os.path.join(folder, 'server'),
            'abstract': abstract,
            'port': servers[2].getsockname()[1],
            'worker': os.getpid(),
        }
        outcome = in_processes(expression, context, connection)
        for each in (*servers, client, connection):
            each.close()
        return outcome
    finally:
        shutil.rmtree(folder)


def in_processes(expression, context, connection):
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        try:
            os.setsid()
            be_parent(expression, context, connection, writer)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader, 'rb') as answers:
        told = select.select([answers], [], [], TIMEOUT_SECONDS)[0]
        line = answers.readline() if told else b''
    for kill, target in ((os.killpg, parent), (os.kill, parent)):
        try:
            kill(target, signal.SIGKILL)
        except OSError:
            pass
    os.waitpid(parent, 0)
    return json.loads(line) if line else {'contained': 'it said nothing'}


def be_parent(expression, context, connection, writer):
    context['sibling'] = os.fork()
    if context['sibling'] == 0:
        os.close(writer)
        time.sleep(TIMEOUT_SECONDS)
        os._exit(0)
    attacker = os.fork()
    if attacker == 0:
        try:
            be_attacker(expression, context, connection, writer)
        finally:
            os._exit(1)
    _, status = os.waitpid(attacker, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == attack.BECAME_ANOTHER:
        tell(writer, {'through': 'it became another program'})
    os._exit(0)


def be_attacker(expression, context, connection, writer):
    os.chdir('/')
    null = os.open('/dev/null', os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(connection.fileno(), CONNECTION)
    attempt = eval('lambda context: ' + expression, vars(attack))
    try:
        tell(writer, attack.outcome_of(attempt, context))
    except Exception as error:
        tell(writer, {'contained': '%s: %s' % (type(error).__name__, error)})
    os._exit(0)


def tell(writer, outcome):
    os.write(writer, json.dumps(outcome).encode() + b'\n')


json.dump({name: run(attempt, number) for number, (name, attempt) in enumerate(json.load(sys.stdin).items())}, sys.stdout)
