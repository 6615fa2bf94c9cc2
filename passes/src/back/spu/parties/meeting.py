"""How parties meet before a session: the client calls where the session's links will be.

Who is called keeps a door at its port.  Both sides show their certificates, compare what all must agree on, and keep the
connection while the session lasts: whoever leaves or dies ends it for the other at once.  The door is shut meanwhile, since
SPU takes the port.  Messages are lines of JSON, short and with little time.
"""

import json
import socket
import ssl
import threading
import time
from pathlib import Path

import run

LONGEST = 4096  # bytes of a line
STEP_S = 10.0  # for a step of a meeting
MEETING_S = 20.0  # for all steps of a caller together
CALLERS = 64  # that may be at a door at once
LOG_S = 10.0  # after that many lines about callers that were not let in, before there are more
LINES = 5
RETRY_S = 0.3
LINK = b"PRPC"  # how SPU's messages begin
WORD = 32  # characters of the word for a session
KEEPALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4))


class Refused(run.RunError):
    """The other side, or what it sent, is not what was agreed on."""


class Silent(ConnectionResetError):
    """The other side closed the connection without a word, as whoever looks for open ports does, or wants a link of an old session."""


class Absent(Exception):
    """Nobody is there, or is busy: worth another try."""


def port_of(address, option):
    """HOST and PORT of an address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise run.UsageError(f"{option} {address}: must be HOST:PORT")
    return host.strip("[]"), int(port)


def differences(own, theirs, who):
    """What the greetings do not agree on, in words; empty where they do."""
    if not isinstance(theirs, dict) or set(theirs) != set(own):
        return f"the {who} sent another kind of message; has it another version of relinc?"
    different = [key for key in own if theirs[key] != own[key]]
    said = ", ".join(f"{key} {str(theirs[key])[:16]} instead of {str(own[key])[:16]}" for key in different)
    return f"the {who} has another {' and '.join(different)}: {said}" if different else ""


# ---------------------------------------------------------------- one connection


def context(tls, purpose):
    """TLS with certificates on both sides; read anew for each meeting, so renewed ones hold at once."""
    made = ssl.SSLContext(purpose)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False  # SPU checks who signed a certificate, not the name in it
    made.verify_mode = ssl.CERT_REQUIRED
    folder = Path(tls)
    try:
        made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        made.load_verify_locations(folder / "ca.pem")
    except (OSError, ssl.SSLError) as err:
        raise run.UsageError(f"{folder}: cert.pem, key.pem and ca.pem cannot be used together: {err}") from None
    return made


def keep_alive(sock):
    """Lets the system find out that the other machine is gone."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def tell(sock, **message):
    """Sends a line."""
    sock.sendall(json.dumps(message).encode() + b"\n")


def hear(sock, who):
    """The next line, a JSON object."""
    data = b""
    while not data.endswith(b"\n"):
        piece = sock.recv(LONGEST)
        if not piece:
            raise ConnectionResetError("the connection was closed") if data else Silent("the connection was closed")
        data += piece
        if data.startswith(LINK):
            raise Silent("a link of a session that is over")
        if len(data) > LONGEST or data[:1] != b"{":
            raise Refused(f"the {who} sent something else than a message; does only one of the two use TLS?")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Refused(f"the {who} sent something else than a message")
    return message


class Connection:
    """What stays of a meeting while the session lasts."""

    def __init__(self, sock, who):
        self.sock, self.who = sock, who

    def when_over(self, do):
        """Calls `do` once the other side has closed the connection, or is gone."""

        def watch():
            try:
                self.sock.settimeout(None)
                self.sock.recv(1)
            except (OSError, ValueError):
                pass
            do()

        threading.Thread(target=watch, daemon=True).start()

    def close(self):
        """Says that the session is over."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


# ---------------------------------------------------------------- who is called


class Door:
    """A port at which callers are met, until one of them has agreed to a session."""

    def __init__(self, address, tls, log):
        """A UsageError where the port cannot be had."""
        self.tls, self.log = tls, log
        host, port = port_of(address, "--listen")
        self.listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.listener.listen(CALLERS)
        except OSError as err:
            self.listener.close()
            raise run.UsageError(f"--listen {address}: {err.strerror or err}; take another port, or end who has it") from None
        self.listener.settimeout(RETRY_S)
        self.met, self.lock, self.slots = None, threading.Lock(), threading.BoundedSemaphore(CALLERS)
        self.strangers, self.said, self.told = 0, -LOG_S, 0

    def wait(self, own, refusal, ending):
        """The connection of a caller that agrees, and its word for the session; the door is shut then. None when `ending()`.

        `own()`: this side's greeting. `refusal()`: why nobody is let in, or nothing.
        """
        try:
            while not ending():
                try:
                    sock, (host, *_) = self.listener.accept()
                except OSError:
                    sock = None
                if sock:
                    self.receive(sock, host, own(), refusal())
                with self.lock:
                    if self.met:
                        break
        finally:
            self.listener.close()
        if self.met:
            tell(self.met[0].sock, begin=True)  # the port is free for SPU now
        return self.met

    def receive(self, sock, host, own, refusal):
        """Meets a caller in a thread of its own."""
        if not self.slots.acquire(blocking=False):
            sock.close()
            return

        def meet():
            if self.tls:
                try:
                    secured = context(self.tls, ssl.PROTOCOL_TLS_SERVER).wrap_socket(
                        sock, server_side=True, do_handshake_on_connect=False
                    )
                except (OSError, run.UsageError) as err:
                    self.stranger(host, err)
                    sock.close()
                    self.slots.release()
                    return
            else:
                secured = sock
            limit = threading.Timer(MEETING_S, lambda: shut(secured))
            limit.daemon = True
            limit.start()
            try:
                self.meet(secured, own, refusal)
            except (OSError, run.RunError, ValueError) as err:
                say_goodbye(secured)
                self.stranger(host, err)
            finally:
                limit.cancel()
                self.slots.release()

        threading.Thread(target=meet, daemon=True).start()

    def meet(self, sock, own, refusal):
        """The steps, up to a connection that is kept."""
        sock.settimeout(STEP_S)
        keep_alive(sock)
        if self.tls:
            sock.do_handshake()
        theirs = hear(sock, "client").get("greeting")
        tell(sock, greeting=own, refused=refusal)
        if fault := differences(own, theirs, "client") or refusal:
            raise Refused(fault)
        word = hear(sock, "client").get("session")
        if not isinstance(word, str) or len(word) != WORD:
            raise Refused("the client did not agree")
        with self.lock:
            if self.met:
                raise Refused("another caller was faster")
            self.met = (Connection(sock, "client"), word)
        shut(self.listener)  # wakes who waits there

    def stranger(self, host, err):
        """A line about a caller that was not let in; callers that come by thousands are counted."""
        self.strangers += 1
        now = time.monotonic()
        if isinstance(err, (Silent, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return
        if now - self.said >= LOG_S or self.told < LINES:
            more = f" (and {self.strangers - 1} more)" if self.strangers > 1 else ""
            self.log(f"a caller from {host} was not let in{more}: {plain(err)}")
            self.told = 1 if now - self.said >= LOG_S else self.told + 1
            self.said, self.strangers = now, 0


def shut(sock):
    """Ends what waits for a socket."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def say_goodbye(sock):
    """Lets the other side read what was sent before the connection ends."""
    try:
        sock.settimeout(2.0)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(LONGEST):
            pass
    except (OSError, ValueError):
        pass
    sock.close()


def plain(err):
    """An error of a connection in a few words."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {err.verify_message}"
    if isinstance(err, ssl.SSLError):
        return f"TLS failed: {(err.reason or str(err)).replace('_', ' ').lower()}"
    if isinstance(err, TimeoutError):
        return "it said nothing in time"
    return str(err)


# ---------------------------------------------------------------- who calls


def call(addresses, tls, own, word, patience):
    """Connections to all of `addresses` (by who it is) that agreed to a session of this word; a RunError after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            return attempt(addresses, tls, own, word)
        except Absent as err:
            if time.monotonic() >= end:
                raise run.RunError(f"no link within {patience:g} s: {err}") from None
            time.sleep(RETRY_S)


def attempt(addresses, tls, own, word):
    """One try: everybody is greeted before anybody is told to begin."""
    made = []
    try:
        for who, address in addresses.items():
            made.append(greet(who, address, tls, own))
        for connection in made:
            tell(connection.sock, session=word)
        for connection in made:
            hear(connection.sock, connection.who)
        return made
    except BaseException as err:
        for connection in made:
            connection.close()
        if isinstance(err, OSError):
            raise Absent("somebody left while all were greeted") from None
        raise


def greet(who, address, tls, own):
    """A connection to one that agrees; Absent where it is not there."""
    try:
        sock = socket.create_connection(port_of(address, "address"), timeout=STEP_S)
    except OSError as err:
        raise Absent(f"the {who} does not answer at {address}: {err.strerror or err}") from None
    try:
        keep_alive(sock)
        if tls:
            sock = context(tls, ssl.PROTOCOL_TLS_CLIENT).wrap_socket(sock)
        tell(sock, greeting=own)
        answer = hear(sock, who)
    except ssl.SSLEOFError:
        sock.close()
        raise Absent(f"the {who} at {address} is busy with another session") from None
    except ssl.SSLCertVerificationError as err:
        sock.close()
        raise Refused(f"the {who}'s certificate is not accepted: {err.verify_message}") from None
    except ssl.SSLError as err:
        sock.close()
        raise Refused(f"the {who} does not accept this side's certificate, or speaks no TLS: {plain(err)}") from None
    except OSError as err:
        sock.close()
        raise Absent(f"the {who} at {address} is busy with another session: {plain(err)}") from None
    except BaseException:
        sock.close()
        raise
    fault = differences(own, answer.get("greeting"), who)
    if fault or answer.get("refused"):
        sock.close()
        raise Refused(fault or f"the {who} refused: {str(answer['refused'])[:200]}")
    return Connection(sock, who)
