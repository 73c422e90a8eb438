"""A child process that stays warm and answers questions: one JSON object a line on its stdin, one on its stdout.

It first says {"ready": true}; an answer with `error` is raised as the error it is; one with `bytes` is followed by as many
bytes. The child ends when its stdin does, so it never outlives its parent. One that died is started once more, then it is
EngineMissing; what it printed last is in the message. Not here: jobs with a result (engines/client.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence

from modelwright.engines.client import child_environment
from modelwright.errors import EngineMissing, from_json
from modelwright.text import one_line
from modelwright.types import Json

LAST_BYTES = 4096
"""Of what the child printed, in which its last words are looked for."""


class WarmChild:
    def __init__(
        self,
        command: Sequence[str],
        *,
        what: str,
        start_seconds: float = 120.0,
        answer_seconds: float = 120.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`what` names it in messages; nothing is started yet."""
        self._command, self._what = list(command), what
        self._start_seconds, self._answer_seconds = start_seconds, answer_seconds
        self._environment = {**child_environment(), **(environment or {})}
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._lock = threading.Lock()
        self._log = -1
        """Descriptor of a file without a name, into which the child's stderr goes."""

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start it without waiting: it reads its model while this process does other things."""
        with self._lock:
            if self._child is None:
                self._spawn()

    def ask(self, question: Json) -> Json:
        """Its answer. Raises what it raised, EngineMissing when it cannot be reached."""
        return self.ask_for_bytes(question)[0]

    def ask_for_bytes(self, question: Json) -> tuple[Json, bytes]:
        """Its answer and the bytes behind it."""
        with self._lock:
            for last_try in (False, True):
                try:
                    return self._exchange(question)
                except (OSError, EOFError) as error:
                    words = self._last_words()
                    self.close()
                    if last_try or isinstance(error, TimeoutError):
                        reason = str(error) or words or "it ended without a word"
                        raise EngineMissing(f"{self._what} cannot be reached: {reason}", fix="see `modelwright doctor`") from None
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End it; it may be asked again and then starts anew."""
        child, self._child, self._ready = self._child, None, False
        if child is not None:
            for stream in (child.stdin, child.stdout):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def _exchange(self, question: Json) -> tuple[Json, bytes]:
        child = self._child or self._spawn()
        if not self._ready:
            self._read(child, self._start_seconds)
            self._ready = True
        assert child.stdin
        assert child.stdout
        child.stdin.write(json.dumps(question).encode() + b"\n")
        child.stdin.flush()
        reply = self._read(child, self._answer_seconds)
        data = child.stdout.read(reply.get("bytes", 0))
        if len(data) != reply.get("bytes", 0):
            raise EOFError
        return reply, data

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Its own session, so that Ctrl-C reaches the parent alone."""
        self._log, name = tempfile.mkstemp()
        os.unlink(name)
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env=self._environment,
        )
        return self._child

    def _read(self, child: subprocess.Popen[bytes], seconds: float) -> Json:
        assert child.stdout
        ready, _, _ = select.select([child.stdout], [], [], seconds)
        if not ready:
            child.kill()
            raise TimeoutError(f"no answer in {seconds:.0f} s")
        line = child.stdout.readline()
        if not line:
            raise EOFError
        reply: Json = json.loads(line)
        if "error" in reply:
            self.close()
            raise from_json(reply["error"])
        return reply

    def _last_words(self) -> str:
        if self._log < 0:
            return ""
        size = os.fstat(self._log).st_size
        lines = os.pread(self._log, LAST_BYTES, max(0, size - LAST_BYTES)).decode("utf-8", "replace").strip().splitlines()
        return one_line(lines[-1], 160) if lines else ""
