"""The files of the TLS identity (ca, cert, key) go in; TLS contexts come out, and word of the files when they change: `CertificateSeen`.

Files on a card are replaced while we run, one after the other, and not always by good ones. So a context is made of what lies there now,
and of what lay there before when that is not usable: bad files never cost a link. In a thread of its own (`credentials`), since a card that
dies may hold a reader for ever.

A board without a battery begins with a clock of years ago, and a private network may have nobody who tells it the time. The broker's
certificate is then "not yet valid", which is a word about the clock: as long as the kernel does not call that synchronized, the times in
certificates are not looked at from then on, everything else in them is.
"""

import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from agent.adapters.kernel_clock import kernel_clock
from agent.config import Mqtt
from agent.core.events import CertificateSeen, Event
from agent.credentials import strangers

LOOK_S = 10.0
SAY_S = 60.0
"""How often the files are looked at, and how often they are spoken of when they are as before: any event may be lost."""

LOOKS_BAD = 2
"""Files that are not usable so many times in a row are not just being written."""

CLOSE_S_MAX = 2.0

NOT_YET_VALID = 9
NO_CHECK_TIME = 0x200000
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_FLAG_NO_CHECK_TIME of <openssl/x509_vfy.h>; Python has no names for them."""

TAG_INTEGER, TAG_SEQUENCE, TAG_UTC_TIME, TAG_GENERALIZED_TIME, TAG_VERSION = 0x02, 0x30, 0x17, 0x18, 0xA0
"""Of DER (X.690); version is the explicit [0] of a TBSCertificate."""


class _Socket(ssl.SSLSocket):
    """paho forgets a TLS socket whose handshake fails; this one closes itself."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException as e:
            self.close()
            if isinstance(e, ssl.SSLCertVerificationError) and e.verify_code == NOT_YET_VALID:
                self.not_yet_valid()
            raise

    def not_yet_valid(self) -> None:
        """The other's certificate begins in the future; for who wants to know."""


class Files:
    """The files that [mqtt] names. `context` may be called from any thread; `start` and `close` are for one."""

    def __init__(
        self,
        config: Mqtt,
        post: Callable[[Event], None],
        now: Callable[[], float],
        look_s: float = LOOK_S,
        synchronized: Callable[[], bool] = lambda: kernel_clock()[0],
    ) -> None:
        """`synchronized`: whether the kernel calls the system clock so."""
        self._synchronized = synchronized
        self._is_behind = False
        self._config = config
        self._post = post
        self._now = now
        self._look_s = look_s
        self._paths = [Path(path) for path in (config.ca, config.cert, config.key) if path is not None]
        self._good: ssl.SSLContext | None = None
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch, if there is a file to be watched."""
        if self._paths:
            self._thread = threading.Thread(target=self._watch, name="credentials", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """No more events."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S_MAX)

    def context(self) -> ssl.SSLContext:
        """Of the files as they lie there now, else of the last ones that were good.

        Raises:
            OSError, ValueError: they are not usable, and never were.
        """
        try:
            self._good = tls_context(self._config)
        except (OSError, ValueError):
            if self._good is None:
                raise
        self._good.sslsocket_class = self._socket_class()
        self._is_behind = self._is_behind and not self._synchronized()
        if self._is_behind:
            self._good.verify_flags |= NO_CHECK_TIME
        else:
            self._good.verify_flags &= ~NO_CHECK_TIME
        return self._good

    def _socket_class(self) -> type[_Socket]:
        files = self

        class Socket(_Socket):
            def not_yet_valid(self) -> None:
                files._is_behind = not files._synchronized()

        return Socket

    def _watch(self) -> None:
        version, bad, seen, said_at = 0, 0, None, -SAY_S
        last: CertificateSeen | None = None
        while not self._done.is_set():
            at, stamp = self._now(), [_stamp(path) for path in self._paths]
            if stamp != seen or bad:
                reason, expires = self._looked()
                bad = bad + 1 if reason else 0
                if not reason:
                    version += 1
                    seen = stamp
                if not reason or bad >= LOOKS_BAD or not version:
                    news = CertificateSeen(at, version, last.expires_utc_ms if reason and last else expires, reason)
                    said_at = said_at if last and (news.version, news.reason) == (last.version, last.reason) else -SAY_S
                    last = news
            if last is not None and at - said_at >= SAY_S:
                self._post(CertificateSeen(at, last.version, last.expires_utc_ms, last.reason))
                said_at = at
            self._done.wait(self._look_s)

    def _looked(self) -> tuple[str, int | None]:
        """Why the files are not usable, or when the certificate ends."""
        try:
            self._good = tls_context(self._config)
            return "", expires_utc_ms(Path(self._config.cert).read_text("ascii", "replace")) if self._config.cert is not None else None
        except ssl.SSLError as e:
            return f"the files of mqtt.ca, cert and key do not go together: {e.reason or e}", None
        except OSError as e:
            return f"{e.filename}: {e.strerror}" if e.filename else str(e), None
        except ValueError as e:
            return f"mqtt.cert: {e}", None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written, replaced, or another may read it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_ctime_ns


def secret(path: str) -> Path:
    """The file of a secret, after a look at who may read it.

    Raises:
        OSError: it is not there.
        PermissionError: group or others may read it.
    """
    file = Path(path)
    mode = file.stat().st_mode
    if strangers(file, mode):
        raise PermissionError(f"{path} has mode {mode & 0o777:04o}: others may read this secret; set it to 0600")
    return file


def tls_context(config: Mqtt) -> ssl.SSLContext:
    """TLS 1.2 or later; the broker's certificate must be of the configured authority (else of the system's) and of that host name.

    Raises:
        OSError: a file is missing, unreadable, no certificate, a key that others may read or that is not the certificate's.
    """
    for path in (config.ca, config.cert):
        if path is not None:
            Path(path).stat()  # ssl's own error does not say which file is missing
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=config.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _Socket
    if config.cert is not None:
        key = str(secret(config.key)) if config.key is not None else None
        context.load_cert_chain(config.cert, key, password=_no_password)
    return context


def _no_password() -> str:
    """An encrypted key would make OpenSSL ask on the terminal, and wait for ever."""
    raise ValueError("the private key is encrypted; nobody is there to give its password")


def expires_utc_ms(pem: str) -> int:
    """`notAfter` of the first certificate of a PEM file, ms of UTC. RFC 5280, 4.1: TBSCertificate, Validity.

    Raises:
        ValueError: it is no X.509 certificate.
    """
    begin, end = ssl.PEM_HEADER, ssl.PEM_FOOTER
    if begin not in pem or end not in pem.partition(begin)[2]:
        raise ValueError("there is no certificate in it")
    der = ssl.PEM_cert_to_DER_cert(begin + pem.partition(begin)[2].partition(end)[0] + end)
    _, certificate, _ = _der(der, TAG_SEQUENCE)
    _, rest, _ = _der(certificate, TAG_SEQUENCE)
    if rest[:1] == bytes([TAG_VERSION]):
        _, _, rest = _der(rest, TAG_VERSION)
    for tag in (TAG_INTEGER, TAG_SEQUENCE, TAG_SEQUENCE):  # serial number, signature algorithm, issuer
        _, _, rest = _der(rest, tag)
    _, validity, _ = _der(rest, TAG_SEQUENCE)
    _, _, rest = _der(validity, TAG_UTC_TIME, TAG_GENERALIZED_TIME)
    tag, text, _ = _der(rest, TAG_UTC_TIME, TAG_GENERALIZED_TIME)
    digits = text.decode("ascii")
    if tag == TAG_UTC_TIME:  # two digits: 1950 to 2049
        digits = ("19" if digits >= "5" else "20") + digits
    return round(datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)


def _der(data: bytes, *tags: int) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element, which has one of these tags, and what follows it."""
    if len(data) < 2 or data[0] not in tags:
        raise ValueError("it is not DER of an X.509 certificate")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError("it is cut short")
    return data[0], data[start : start + length], data[start + length :]
