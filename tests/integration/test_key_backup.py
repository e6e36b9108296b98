"""The backup of the keys, with a process for each Lambda environment and moto's S3 over HTTP."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.support.checkout import ROOT
from tests.support.environment import environment
from tests.support.isolation import AWS
from tests.support.jwks_server import JwksServer, answer, reset, silence
from tests.support.tokens import SigningKey, good_claims, jwks, make_event, make_token

BUCKET = "backup"
HOUR = 3600
OURS, PARTNER = "https://ours.example/", "https://partner.example/"

# Each line of the input is what to do: an event for the authorizer, a time to sleep in seconds, or `back up`.
# After the last line, it says whether boto3 was imported.
START = """
import json, sys, time
import handler
print(json.dumps("imported"), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    if isinstance(task, float):
        time.sleep(task)
        continue
    try:
        handler.back_up_keys({}, None) if task == "back up" else handler.authorize(task, None)
        print(json.dumps("done"), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
print(json.dumps("boto3" in sys.modules))
"""


class LambdaEnvironment:
    """A cold start of the function, with these variables."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.log: list[dict[str, Any]] = []
        """The lines of the log up to now."""
        assert self._next() == "imported"

    def decide(self, token: str) -> int:
        """Return the status for a token: 200, 401, or 500 if there are no keys."""
        said = str(self._do(make_event(token)))
        statuses = {"done": 200, "Exception: Unauthorized": 401}
        return statuses.get(said) or {"KeysUnavailable": 500}[said.partition(":")[0]]

    def back_up(self) -> str:
        return str(self._do("back up"))

    def sleep(self, seconds: float) -> None:
        self._send(seconds)

    def events(self) -> list[str]:
        """Return the outcomes of decisions, and what else was logged."""
        return [str(line.get("outcome", line["event"])) for line in self.log]

    def end(self) -> bool:
        """Tell whether it has imported boto3."""
        assert self._process.stdin
        self._process.stdin.close()
        is_imported = self._next()
        self._process.wait(10)
        assert self._process.stdout
        self._process.stdout.close()
        return is_imported is True

    def _do(self, task: object) -> object:
        self._send(task)
        return self._next()

    def _send(self, task: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(task)}\n")
        self._process.stdin.flush()

    def _next(self) -> object:
        assert self._process.stdout
        while True:
            said: object = json.loads(self._process.stdout.readline())
            if not isinstance(said, dict):
                return said
            self.log.append(said)


@dataclass
class Deployment:
    """A stage with one issuer and the backup."""

    issuer: JwksServer
    s3: str
    """The URL of S3."""

    def variables(self, **changes: str) -> dict[str, str]:
        backup = {"KEY_BACKUP_BUCKET": BUCKET, "KEY_BACKUP_OWNER": "123456789012"}
        aws = AWS | {"AWS_ENDPOINT_URL": self.s3}
        return environment(JWKS_URI=self.issuer.url) | backup | aws | changes

    def start(self, **changes: str) -> LambdaEnvironment:
        """Start the authorizer."""
        return LambdaEnvironment(self.variables(**changes))

    def start_backup(self, **changes: str) -> LambdaEnvironment:
        """Start the function that makes the backup. Lambda tells it by this variable which function it is."""
        return LambdaEnvironment(self.variables(_HANDLER="handler.back_up_keys", **changes))

    def put(self, content: bytes) -> None:
        """Put this in the place of the copy."""
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key_of(self.issuer), Body=content)


def key_of(issuer: JwksServer) -> str:
    return f"jwks/{hashlib.sha256(issuer.url.encode()).hexdigest()}.json"


def stored(issuer: JwksServer) -> Any:
    """Return the copy in the bucket, or None."""
    s3 = boto3.client("s3")
    try:
        return json.loads(s3.get_object(Bucket=BUCKET, Key=key_of(issuer))["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None


@pytest.fixture(scope="module")
def bucket(aws: str) -> str:
    """The URL of an S3 that has the bucket."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return aws


@pytest.fixture
def stage(bucket: str, key: SigningKey) -> Iterator[Deployment]:
    with closing(JwksServer(answer(jwks(key)))) as issuer:
        yield Deployment(issuer, bucket)


@pytest.fixture
def other_s3(key: SigningKey) -> Iterator[JwksServer]:
    """Another S3, which does what a test wants."""
    with closing(JwksServer(reset)) as server:
        yield server


def use(stage: Deployment, s3: JwksServer) -> None:
    stage.s3 = s3.url.rpartition("/")[0]


def copy_of(issuer: JwksServer, key: SigningKey, *, age: int) -> bytes:
    copy = {
        "jwks_uri": issuer.url,
        "fetched_at": int(time.time()) - age,
        "jwks": json.loads(jwks(key)),
    }
    return json.dumps(copy).encode()


def test_while_the_issuer_answers_s3_is_not_asked_and_boto3_not_imported(
    stage: Deployment, other_s3: JwksServer, key: SigningKey, stranger: SigningKey, new_key: SigningKey
) -> None:
    use(stage, other_s3)
    started = stage.start()

    assert [started.decide(make_token(one)) for one in (key, stranger, new_key)] == [200, 401, 401]
    assert started.end() is False
    assert other_s3.requests == []


def test_an_environment_that_starts_in_an_outage_uses_the_backup_until_the_issuer_is_back(
    stage: Deployment, key: SigningKey, new_key: SigningKey, stranger: SigningKey
) -> None:
    before = int(time.time())
    backup = stage.start_backup()
    assert stage.issuer.requests == []
    assert backup.back_up() == "done"
    assert backup.end() is True
    copy = stored(stage.issuer)
    assert before <= copy.pop("fetched_at") <= time.time()
    assert copy == {"jwks_uri": stage.issuer.url, "jwks": json.loads(jwks(key))}

    stage.issuer.behave = answer(b"", status="503 Service Unavailable")
    started = stage.start()
    assert started.events() == ["jwks_fetch_failed", "keys_from_backup"]
    assert started.log[1]["jwks_uri"] == stage.issuer.url
    assert 0 <= started.log[1]["age_in_seconds"] < 60
    assert [started.decide(make_token(one)) for one in (key, stranger, new_key)] == [200, 401, 500]

    stage.issuer.behave = answer(jwks(new_key))
    started.sleep(2.0)  # the pause after two failed fetches
    assert [started.decide(make_token(one)) for one in (new_key, key)] == [200, 401]
    started.end()


@pytest.mark.parametrize(
    ("age", "status"), [(300, 200), (23 * HOUR, 200), (25 * HOUR, 500), (-HOUR, 500)], ids=str
)
def test_a_copy_is_used_for_a_day(stage: Deployment, key: SigningKey, age: int, status: int) -> None:
    stage.put(copy_of(stage.issuer, key, age=age))
    stage.issuer.behave = reset
    started = stage.start()

    assert started.decide(make_token(key)) == status
    assert started.events()[1] == ("keys_from_backup" if status == 200 else "key_backup_unusable")
    if status == 200:
        assert age <= started.log[1]["age_in_seconds"] < age + 60
    started.end()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"jwks_uri": "https://another.example/", "jwks": {}}', "not a copy of this JWKS"),
        (b'{"jwks_uri": "https://iss', "not JSON"),
        (b"", "not JSON"),
        (b" " * 3_000_000, "the copy has more than 500000 bytes"),
        (None, "S3 answered NoSuchKey"),
    ],
    ids=["of another issuer", "broken", "empty", "of 3 MB", "that is not there"],
)
def test_a_503_is_the_answer_with_a_copy(
    stage: Deployment, key: SigningKey, content: bytes | None, reason: str
) -> None:
    if content is not None:
        stage.put(content)
    stage.issuer.behave = reset
    started = stage.start()

    assert started.decide(make_token(key)) == 500
    assert (started.log[1]["event"], started.log[1]["reason"]) == ("key_backup_unusable", reason)
    started.end()


def test_a_503_is_the_answer_where_s3_denies_access(
    stage: Deployment, other_s3: JwksServer, key: SigningKey
) -> None:
    other_s3.behave = answer(b"<Error><Code>AccessDenied</Code></Error>", status="403 Forbidden")
    use(stage, other_s3)
    stage.issuer.behave = reset
    started = stage.start()

    assert started.decide(make_token(key)) == 500
    assert started.log[1]["reason"] == "S3 answered AccessDenied"
    started.end()


def test_a_503_is_the_answer_where_neither_the_issuer_nor_s3_says_anything(
    stage: Deployment, other_s3: JwksServer, key: SigningKey
) -> None:
    other_s3.behave = stage.issuer.behave = silence
    use(stage, other_s3)
    started = stage.start()
    started.sleep(1.0)  # the pause after a failed fetch

    assert started.decide(make_token(key)) == 500
    assert started.events() == 2 * ["jwks_fetch_failed", "key_backup_unusable"] + ["keys_unavailable"]
    started.end()


def test_a_stage_without_a_backup_does_not_ask_s3(
    stage: Deployment, other_s3: JwksServer, key: SigningKey
) -> None:
    use(stage, other_s3)
    stage.issuer.behave = reset
    for missing in ("KEY_BACKUP_BUCKET", "KEY_BACKUP_OWNER"):
        started = stage.start(**{missing: ""})
        assert started.decide(make_token(key)) == 500
        assert started.end() is False
    assert other_s3.requests == []

    backup = stage.start_backup(KEY_BACKUP_BUCKET="")
    assert backup.back_up().startswith("ConfigError: KEY_BACKUP_BUCKET or KEY_BACKUP_OWNER is not set")
    backup.end()


def test_a_bad_answer_never_replaces_a_copy_and_the_function_fails(
    stage: Deployment, key: SigningKey
) -> None:
    backup = stage.start_backup()
    assert backup.back_up() == "done"
    copy = stored(stage.issuer)

    for behave in (answer(b'{"keys": []}'), answer(b"", status="500 Oops"), reset):
        stage.issuer.behave = behave
        assert backup.back_up().startswith(f"KeysUnavailable: no backup of {stage.issuer.url}")
    assert stored(stage.issuer) == copy
    assert backup.events() == 3 * ["key_backup_failed"]
    assert backup.log[0]["reason"] == "no usable key"
    backup.end()


@pytest.fixture
def partner(stranger: SigningKey) -> Iterator[JwksServer]:
    """The server of a second issuer, whose key has the same name."""
    with closing(JwksServer(answer(jwks(stranger)))) as server:
        yield server


def two_issuers(partner: JwksServer) -> dict[str, str]:
    return {
        "TOKEN_ISSUER": OURS,
        "TOKEN_ISSUER__PARTNER": PARTNER,
        "AUDIENCE": "ours",
        "AUDIENCE__PARTNER": "partners",
        "JWKS_URI__PARTNER": partner.url,
    }


def test_each_of_several_issuers_has_a_copy_of_its_own_and_the_trouble_of_one_is_not_the_others(
    stage: Deployment, partner: JwksServer, key: SigningKey, stranger: SigningKey
) -> None:
    variables = two_issuers(partner)
    our_token = make_token(key, good_claims(iss=OURS, aud="ours"))
    partners_token = make_token(stranger, good_claims(iss=PARTNER, aud="partners"))
    backup = stage.start_backup(**variables)
    assert backup.back_up() == "done"
    assert [stored(one)["jwks_uri"] for one in (stage.issuer, partner)] == [stage.issuer.url, partner.url]

    stage.issuer.behave = reset
    assert backup.back_up() == (
        f"KeysUnavailable: no backup of {stage.issuer.url}: see key_backup_failed in the log"
    )
    backup.end()

    started = stage.start(**variables)
    assert "keys_from_backup" not in started.events()
    assert started.decide(partners_token) == 200
    assert "keys_from_backup" not in started.events()
    assert started.decide(our_token) == 200
    assert started.log[-2]["event"] == "keys_from_backup"
    assert started.decide(make_token(stranger, good_claims(iss=OURS, aud="ours"))) == 401
    started.end()


def test_nobody_waits_for_the_backup_of_another_issuer(
    stage: Deployment, partner: JwksServer, other_s3: JwksServer, stranger: SigningKey
) -> None:
    other_s3.behave = silence
    use(stage, other_s3)
    stage.issuer.behave = reset
    started = stage.start(**two_issuers(partner))

    token = make_token(stranger, good_claims(iss=PARTNER, aud="partners"))
    assert started.decide(token) == 200
    assert started.end() is False
    assert other_s3.requests == []
