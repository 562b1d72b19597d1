#!/usr/bin/env python3
"""Starts the chatnode binary that stands beside this file, with the same arguments."""
import os
import sys

binary = os.path.join(os.path.dirname(os.path.realpath(__file__)), "chatnode")
try:
    os.execv(binary, [binary] + sys.argv[1:])
except OSError as error:
    sys.exit("chatnode: %s cannot be started (%s): run make build" % (binary, error.strerror))
