#!/usr/bin/env python3
"""Runs a command and appends its seconds and peak memory to a table.

    measure.py TABLE.tsv NAME COMMAND...

Exits as the command did.
"""

import os
import subprocess
import sys
import time

table, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
started = time.monotonic()
process = subprocess.Popen(command)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.monotonic() - started
# Linux counts kilobytes, macOS bytes
megabytes = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
with open(table, "a") as out:
    out.write(f"{name}\t{seconds:.1f}\t{usage.ru_utime + usage.ru_stime:.1f}\t{megabytes:.0f}\n")
sys.exit(os.waitstatus_to_exitcode(status))
