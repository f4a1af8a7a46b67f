"""The Python side of `interact`: a console whose names are those of a frame of a dead process.

The socket to the debugger is descriptor 0 and speaks JSON, one question or answer a line. What came over it is data: it is never
unpickled, evaluated or imported. Values whose types allow it are made again; all others are proxies, whose attributes and
items the debugger reads when they are asked for.
"""

import sys

# The working directory may be the dead process's: its files are not to be imported.
sys.path[:] = [entry for entry in sys.path if entry]

import builtins
import code
import json
import os
import signal
import socket


class Dead(Exception):
    """What only code of the process could do."""


class Link:
    """The debugger's end of the socket, asked one question at a time."""

    def __init__(self, descriptor):
        self.file = socket.socket(fileno=descriptor).makefile("rw", encoding="utf-8", newline="\n")
        self.asked = 0

    def ask(self, **question):
        self.asked += 1
        self.file.write(json.dumps([self.asked, question]) + "\n")
        self.file.flush()
        # Answers to questions that were interrupted come first.
        for line in self.file:
            number, answer = json.loads(line)
            if number == self.asked:
                return answer
        raise SystemExit("the debugger is gone")

    def evaluate(self, expression):
        answer = self.ask(evaluate=expression)
        if "error" in answer:
            raise made_error(answer["error"])
        return made(answer["value"])


def made_error(text):
    """The exception that an answer tells of."""
    name, _, rest = text.partition(": ")
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return Dead(text)
    return kind(rest[1:-1] if kind is KeyError and rest[:1] == rest[-1:] == "'" else rest)


def made(value):
    """A value of its description: what is no object in JSON stands for itself."""
    if not isinstance(value, dict):
        return value
    ((kind, parts),) = value.items()
    return MAKERS[kind](parts)


def made_dict(pairs):
    return {made(key): made(value) for key, value in pairs}


MAKERS = {
    "int": int,
    "float": float,
    "complex": lambda parts: complex(float(parts[0]), float(parts[1])),
    "points": lambda points: "".join(map(chr, points)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "tuple": lambda items: tuple(map(made, items)),
    "list": lambda items: list(map(made, items)),
    "set": lambda items: set(map(made, items)),
    "frozenset": lambda items: frozenset(map(made, items)),
    "dict": made_dict,
    "range": lambda parts: range(*map(made, parts)),
    "slice": lambda parts: slice(*map(made, parts)),
    "constant": lambda name: {"Ellipsis": ..., "NotImplemented": NotImplemented}[name],
    "proxy": lambda parts: Proxy(*parts),
}


def written(value):
    """A value as the debugger reads it."""
    if isinstance(value, Proxy):
        return "$" + object.__getattribute__(value, "_name")
    if type(value) is tuple:
        return "(%s)" % "".join(written(item) + "," for item in value)
    if type(value) is slice:
        return "slice(%s, %s, %s)" % (written(value.start), written(value.stop), written(value.step))
    if value is None or value is ... or type(value) in (bool, int, float, complex, str, bytes):
        return repr(value)
    raise TypeError("a %s of this session means nothing to the debugger" % type(value).__name__)


class Proxy:
    """An object of the dead process: read when asked, never changed."""

    __slots__ = ("_name", "_text", "_address")

    def __init__(self, name, text, address):
        for slot, value in (("_name", name), ("_text", text), ("_address", address)):
            object.__setattr__(self, slot, value)

    def __repr__(self):
        return object.__getattribute__(self, "_text")

    def __getattr__(self, name):
        return link.evaluate("%s.%s" % (written(self), name))

    def __getitem__(self, index):
        return link.evaluate("%s[%s]" % (written(self), written(index)))

    def __len__(self):
        return link.evaluate("len(%s)" % written(self))

    def __bool__(self):
        return link.evaluate("bool(%s)" % written(self))

    def __iter__(self):
        return iter(link.evaluate("list(%s)" % written(self)))

    def __contains__(self, item):
        return link.evaluate("%s in %s" % (written(item), written(self)))

    def __eq__(self, other):
        return link.evaluate("%s == %s" % (written(self), written(other)))

    def __hash__(self):
        return hash(object.__getattribute__(self, "_address"))

    def __dir__(self):
        return link.evaluate("dir(%s)" % written(self))

    def __call__(self, *_, **__):
        raise Dead("calling %r would run code of the process, and it is dead" % self)

    def __setattr__(self, name, value):
        raise Dead("%r is of a dead process: nothing in it can be changed" % self)

    def __setitem__(self, index, value):
        raise Dead("%r is of a dead process: nothing in it can be changed" % self)

    __delattr__ = lambda self, name: self.__setattr__(name, None)
    __delitem__ = lambda self, index: self.__setitem__(index, None)


def take_terminal(terminal):
    """Makes this the foreground of the terminal, so that Ctrl-C is for this session alone; what it was before."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        before = os.tcgetpgrp(terminal)
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpgrp())
    except OSError:
        return None
    return before


def main():
    global link
    link = Link(os.dup(0))
    # The output is the terminal that the input is to be read from.
    terminal = os.open(os.ttyname(1), os.O_RDWR)
    os.dup2(terminal, 0)
    answer = link.ask(names=None)
    names = {name: made(value) for name, value in answer["names"].items()}
    try:
        import readline
        import rlcompleter

        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    except ImportError:
        pass
    before = take_terminal(terminal)
    try:
        code.interact(banner=answer["banner"], local=names, exitmsg="")
    finally:
        if before is not None:
            os.tcsetpgrp(terminal, before)


main()
