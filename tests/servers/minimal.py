#!/usr/bin/env python3
"""A minimal server of version 0.1 in Python, as a student might hand it in: python3 minimal.py PORT.

It is here to be marked: `chatnode test --tags v0.1 --server "python3 tests/servers/minimal.py {port}" tests/cases` runs the
cases against a server that shares nothing with chatnode. It keeps everything in memory.
"""
import hashlib
import os
import socketserver
import sys
import threading

lock = threading.Lock()
accounts = {}  # name -> (salt, hash)
members = {}  # channel -> set of names
online = {}  # name -> Session


def digest(salt, password):
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000)


class Session(socketserver.StreamRequestHandler):
    name = None

    def handle(self):
        try:
            for line in self.rfile:
                with lock:
                    self.command(line.decode("utf-8", "replace").rstrip("\r\n"))
        except OSError:
            pass
        finally:
            with lock:
                if self.name:
                    del online[self.name]

    def send(self, line):
        try:
            self.wfile.write((line + "\n").encode())
        except OSError:
            pass

    def result(self, *words):
        self.send("RESULT " + " ".join(words))

    def command(self, line):
        verb, _, rest = line.partition(" ")
        handler = getattr(self, "do_" + verb, None)
        if handler:
            handler(rest)

    def do_REGISTER(self, rest):
        words = rest.split(" ")
        good = len(words) == 2 and all(words) and words[0] not in accounts
        if good:
            salt = os.urandom(8)
            accounts[words[0]] = salt, digest(salt, words[1])
        self.result("REGISTER", "1" if good else "0")

    def do_LOGIN(self, rest):
        words = rest.split(" ")
        good = len(words) == 2 and not self.name and words[0] in accounts and words[0] not in online
        if good:
            salt, known = accounts[words[0]]
            good = digest(salt, words[1]) == known
        if good:
            self.name = words[0]
            online[self.name] = self
        self.result("LOGIN", "1" if good else "0")

    def do_CREATE(self, rest):
        good = bool(self.name and rest and " " not in rest and rest not in members)
        if good:
            members[rest] = set()
        self.result("CREATE", rest, "1" if good else "0")

    def do_JOIN(self, rest):
        good = bool(self.name and rest in members and self.name not in members[rest])
        if good:
            members[rest].add(self.name)
        self.result("JOIN", rest, "1" if good else "0")

    def do_SAY(self, rest):
        channel, _, text = rest.partition(" ")
        if not self.name or not text or self.name not in members.get(channel, ()):
            self.result("SAY", channel, "0")
            return
        for name in members[channel]:
            if name in online:
                online[name].send("RECV %s %s %s" % (self.name, channel, text))

    def do_CHANNELS(self, rest):
        self.result("CHANNELS", ", ".join(sorted(members)))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Session) as server:
        server.serve_forever()
