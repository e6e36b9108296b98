"""This file is the backup: a copy of each issuer's JWKS in S3, for environments that start in an outage.

handler.back_up_keys writes it every few minutes. The key store reads it after a fetch that failed.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .errors import KeysUnavailable
from .fetch import BadAnswer, Started, reason, start
from .jwks import KeySet, key_set, parse_json

if TYPE_CHECKING:
    from .settings import Issuer

# In seconds.
CONNECT_TIMEOUT = 1.0  # for each address of S3
READ_TIMEOUT = 1.5  # between bytes
BACKUP_TIMEOUT = 2.5  # in all, for reading or writing one copy

MAX_COPY_BYTES = 500_000  # a JWKS has at most 150,000, but escapes of JSON make some text longer
MAX_AHEAD = 300  # seconds by which the clocks of the writer and of S3 may be ahead of the reader's

log = logging.getLogger(__name__)
T = TypeVar("T")


class StoredCopy(NamedTuple):
    """An object of the bucket: its content, and when S3 received it, in seconds since the epoch."""

    body: bytes
    last_modified: float


def make_copy(jwks_uri: str, body: bytes, fetched_at: float, algorithms: Collection[str]) -> bytes:
    """Return the copy of the answer that `jwks_uri` gave at `fetched_at`, in seconds since the epoch.

    Raises ValueError if the key store would not use the answer, or its copy.
    """
    copy = {"jwks_uri": jwks_uri, "fetched_at": int(fetched_at), "jwks": parse_json(body)}
    try:
        content = json.dumps(copy, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("the answer is nested too deeply") from None
    parse_copy(StoredCopy(content, fetched_at), jwks_uri, algorithms, fetched_at)
    return content


def parse_copy(
    stored: StoredCopy, jwks_uri: str, algorithms: Collection[str], now: float
) -> tuple[KeySet, float]:
    """Return the keys of a copy of `jwks_uri`, and the time from which their age counts.

    The keys are subject to the rules for an answer of the issuer. Their age counts from the earlier of two
    times: when the writer asked the issuer, and when S3 received the copy. Either may be a little ahead of
    the reader's clock. Raises ValueError if the copy is not usable. How old it may be is up to the key store.
    """
    if len(stored.body) > MAX_COPY_BYTES:
        raise ValueError(f"the copy has more than {MAX_COPY_BYTES} bytes")
    copy = parse_json(stored.body)
    if not isinstance(copy, dict) or copy.get("jwks_uri") != jwks_uri:
        raise ValueError("not a copy of this JWKS")
    fetched_at = copy.get("fetched_at")
    if type(fetched_at) is not int:
        raise ValueError("the copy does not say when it was made")
    if max(fetched_at, stored.last_modified) > now + MAX_AHEAD:
        raise ValueError("the copy is from the future, or the clock was set back")
    return key_set(copy.get("jwks"), algorithms), min(fetched_at, stored.last_modified)


def back_up(
    issuers: Iterable["Issuer"],
    start_fetch: Callable[[str], Started[bytes]],
    write: Callable[[str, bytes], None],
    clock: Callable[[], float] = time.time,
) -> None:
    """Write a copy of each issuer's JWKS, also of one that has not changed: it is the time that counts.

    All issuers are asked at once. A failure is logged, and the earlier copy stays. Raises KeysUnavailable
    after the last issuer if a copy was not written.
    """
    asked_at = clock()
    fetches = [(issuer, start_fetch(issuer.jwks_uri)) for issuer in issuers]
    failed = []
    for issuer, fetch in fetches:
        try:
            write(issuer.jwks_uri, make_copy(issuer.jwks_uri, fetch.result(), asked_at, issuer.algorithms))
        except (OSError, ValueError) as error:
            details = {"jwks_uri": issuer.jwks_uri, "reason": str(error)}
            log.error("key_backup_failed", extra={"details": details})
            failed.append(issuer.jwks_uri)
    if failed:
        raise KeysUnavailable(f"no backup of {', '.join(failed)}: see key_backup_failed in the log")


class Backup(NamedTuple):
    """The bucket, and the AWS account that it must belong to.

    `read` and `write` raise OSError for whatever goes wrong. Its text is the reason.
    """

    bucket: str
    owner: str

    def read(self, jwks_uri: str) -> StoredCopy:
        """Return the copy of the JWKS at this URL, whose content is cut off where it is too long."""

        def get(s3: Any) -> StoredCopy:
            answer = s3.get_object(**self._object(jwks_uri))
            with closing(answer["Body"]) as content:
                return StoredCopy(content.read(MAX_COPY_BYTES + 1), answer["LastModified"].timestamp())

        return _ask_s3(get)

    def write(self, jwks_uri: str, copy: bytes) -> None:
        """Replace the copy of the JWKS at this URL."""
        _ask_s3(lambda s3: s3.put_object(**self._object(jwks_uri), Body=copy, ContentType="application/json"))

    def _object(self, jwks_uri: str) -> dict[str, str]:
        key = f"jwks/{hashlib.sha256(jwks_uri.encode()).hexdigest()}.json"
        return {"Bucket": self.bucket, "Key": key, "ExpectedBucketOwner": self.owner}


def _ask_s3(request: Callable[[Any], T]) -> T:
    """Return the answer of S3 to a request, within BACKUP_TIMEOUT seconds and the time for the import."""
    try:
        s3 = _client()  # here, since a thread must not import anything
    except Exception as error:  # noqa: BLE001 - the backup must not stop what works without it
        raise OSError(reason(error)) from None

    def ask(_: float) -> T:
        try:
            return request(s3)
        except s3.exceptions.ClientError as error:
            raise BadAnswer(f"S3 answered {error.response['Error']['Code']}") from None

    return start(ask, BACKUP_TIMEOUT).result()


@cache
def _client() -> Any:
    """Return a client of S3. The import takes longer than the rest of a cold start, so it waits until now."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    limits = Config(
        connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}
    )
    return boto3.client("s3", config=limits)
