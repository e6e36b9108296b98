"""`npm run doctor -- --stage prod`: are the settings right? Asks the live issuer, before a deploy.

The settings are those that a deploy would set, and they are judged by the authorizer's own code.
"""

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from auth import ConfigError, InvalidToken, KeyStore, KeysUnavailable, Settings
from auth.authorizer import decide
from auth.bearer import json_object, segment_octets
from auth.fetch import fetch as fetch_url
from auth.jwks import parse_jwks
from auth.settings import ALGORITHMS
from tools import given_token

DISCOVERY = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4

ALONE = " Give the token alone: three parts with dots between them, without Bearer and without quotes."

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. What is WRONG must not be deployed."""

    level: Literal["ok", "note", "WRONG"]
    subject: str
    text: str


def examine(environment: Mapping[str, str], token: str | None, fetch: Fetch) -> Iterator[Finding]:
    """Yield what is right and what is wrong with the authorizer's `environment`, and with a token.

    `fetch` returns the body at a URL, or raises OSError with the reason.
    """
    try:
        settings = Settings.from_environment(environment)
    except ConfigError as mistakes:
        for mistake in str(mistakes).split("; "):
            yield Finding("WRONG", "settings", f"{mistake}.")
        return
    yield Finding("ok", "settings", "All that are needed are there, and none is unsafe.")
    published = _published(settings, fetch)
    yield _issuer(settings, published)
    yield from _keys(settings, published, fetch)
    if token is not None:
        yield from _token(token, settings, fetch)


def _published(settings: Settings, fetch: Fetch) -> dict[str, Any]:
    """Return what the issuer says of itself, or an empty dict if it does not."""
    places = [settings.token_issuer.rstrip("/")]
    if "/.well-known/" in settings.jwks_uri:
        places.append(settings.jwks_uri.partition("/.well-known/")[0])
    for place in places:
        try:
            document = json.loads(fetch(place + DISCOVERY))
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and isinstance(document.get("issuer"), str):
            return document
    return {}


def _issuer(settings: Settings, published: dict[str, Any]) -> Finding:
    if not published:
        return Finding(
            "note",
            "TOKEN_ISSUER",
            f"Not compared: the issuer shows no {DISCOVERY}. Compare it with a token: --token.",
        )
    issuer = published["issuer"]
    if issuer == settings.token_issuer:
        return Finding("ok", "TOKEN_ISSUER", "It is what the issuer calls itself.")
    return Finding(
        "WRONG",
        "TOKEN_ISSUER",
        f"It is {settings.token_issuer!r}, but the issuer calls itself {issuer!r}, and so do its tokens."
        f" Write TOKEN_ISSUER={issuer}",
    )


def _keys(settings: Settings, published: dict[str, Any], fetch: Fetch) -> Iterator[Finding]:
    uri = settings.jwks_uri
    named = published.get("jwks_uri", uri)
    instead = f" The issuer's keys are elsewhere: write JWKS_URI={named}" if named != uri else ""
    try:
        algorithms = _algorithms(fetch(uri))
    except OSError as reason:
        hint = " Redirects are not followed." if "status 3" in str(reason) else ""
        if str(reason).startswith("ConnectionError"):
            hint = " Check the host's name, and whether it can be reached from here."
        yield Finding("WRONG", "JWKS_URI", f"No keys from {uri}: {reason}.{hint}{instead}")
        return
    except ValueError as reason:
        yield Finding("WRONG", "JWKS_URI", f"The answer from {uri} can't be used: {reason}.{instead}")
        return
    if named != uri:
        yield _elsewhere(uri, named, set(algorithms), fetch)
    there, wanted = set(algorithms.values()), set(settings.algorithms)
    if not there & wanted:
        yield Finding(
            "WRONG",
            "ALGORITHMS",
            f"No key is for {_listed(wanted)}; the issuer's are for {_listed(there)}."
            f" Write ALGORITHMS={_listed(there)}",
        )
        return
    usable = [kid for kid, algorithm in algorithms.items() if algorithm in wanted]
    yield Finding("ok", "JWKS_URI", f"Usable keys: {len(usable)}, for {_listed(there & wanted)}.")
    if wanted - there:
        text = f"No key is for {_listed(wanted - there)}. Unless one is to come, write"
        yield Finding("note", "ALGORITHMS", f"{text} ALGORITHMS={_listed(there & wanted)}")
    if there - wanted:
        text = f"There are keys for {_listed(there - wanted)}, too; tokens by these are refused."
        yield Finding("note", "ALGORITHMS", text)


def _elsewhere(uri: str, named: str, kids: set[str], fetch: Fetch) -> Finding:
    """The issuer names another JWKS: are the same keys there?"""
    try:
        are_same = set(_algorithms(fetch(named))) == kids
    except (OSError, ValueError):
        are_same = False
    if are_same:
        return Finding("note", "JWKS_URI", f"The issuer names {named}, where the same keys are.")
    return Finding(
        "WRONG",
        "JWKS_URI",
        f"It is {uri}, but the issuer's keys are at {named}, and not the same. Write JWKS_URI={named}",
    )


def _algorithms(body: bytes) -> dict[str, str]:
    """Return the algorithm of each key that some setting could use, by kid. Raises ValueError for none."""
    return {kid: str(key.algorithm_name) for kid, key in parse_jwks(body, ALGORITHMS).items()}


def _token(token: str, settings: Settings, fetch: Fetch) -> Iterator[Finding]:
    """Let the authorizer decide; and when it refuses, take that reason out of the way of the next one."""
    reason, scopes = _decision(token, settings, fetch)
    differences = _differences(token, settings)
    is_good = not reason
    while reason:
        for difference in differences:
            relaxed = replace(settings, **difference.relaxation)
            next_reason, scopes = _decision(token, relaxed, fetch)
            if next_reason != reason:
                yield Finding("WRONG", f"token, {difference.claim}", f"{reason}: {difference.text}")
                settings, reason = relaxed, next_reason
                differences.remove(difference)
                break
        else:
            yield Finding("WRONG", "token", f"{reason}.{'' if _is_alone(token) else ALONE}")
            return
    yield Finding("ok", "token", f"The signature holds. The scopes are: {_listed(scopes) or 'none'}.")
    for route in settings.routes.routes if is_good and settings.routes else ():
        lacks = _listed(route.scopes.difference(scopes))
        yield Finding("ok", "token", f"{route}: {f'refused, lacks {lacks}' if lacks else 'allowed'}.")


def _is_alone(token: str) -> bool:
    return token.count(".") == 2 and not any(character in token for character in " \"'")  # noqa: PLR2004


def _decision(token: str, settings: Settings, fetch: Fetch) -> tuple[str, list[str]]:
    """Return why the authorizer refuses the token, if it does, and the scopes that it finds in it."""
    event = {
        "type": "TOKEN",
        "authorizationToken": f"Bearer {token}",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:doctor/doctor/GET/",
    }
    try:
        answer = decide(event, settings, KeyStore(settings.jwks_uri, settings.algorithms, fetch=fetch))
    except InvalidToken as refusal:
        return f"{refusal} ({refusal.kid!r:.200})" if refusal.kid else str(refusal), []
    except KeysUnavailable:
        return "the signature can't be checked without the issuer's keys", []
    return "", str(answer.response["context"]["scope"]).split()


@dataclass(frozen=True)
class _Difference:
    """What a claim is and should be, and settings under which it can't be the reason for a refusal."""

    claim: str
    text: str
    relaxation: dict[str, Any]


def _differences(token: str, settings: Settings) -> list[_Difference]:
    try:
        header, claims = (json_object(segment_octets(part.encode())) for part in token.split(".")[:2])
    except (InvalidToken, ValueError):
        return []  # no JWT, no claims
    alg, issuer, audience = header.get("alg"), claims.get("iss"), claims.get("aud")
    audiences = tuple(audience) if isinstance(audience, list) else (audience,)
    algorithms = _listed(settings.algorithms)
    instead = f" Write ALGORITHMS={algorithms},{alg}" if alg in ALGORITHMS else ""
    times = [f"{name} is {_time(claims[name])}" for name in ("iat", "nbf", "exp") if name in claims]
    now = _time(datetime.now(UTC).timestamp())
    return [
        _Difference(
            "alg", f"it is {alg!r:.200}, ALGORITHMS is {algorithms}.{instead}", {"algorithms": ALGORITHMS}
        ),
        _Difference(
            "iss",
            f"it is {issuer!r:.200}, TOKEN_ISSUER is {settings.token_issuer!r}."
            " One of them is not your issuer's: compare them letter by letter.",
            {"token_issuer": issuer},
        ),
        _Difference(
            "aud",
            f"it is {audience!r:.200}, AUDIENCE is {_listed(settings.audience)!r}."
            " Ask for a token for this API, or correct AUDIENCE.",
            {"audience": audiences},
        ),
        _Difference("times", f"{', '.join(times)}; it is {now} now.", {"leeway_seconds": 10**10}),
    ]


def _time(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return f"{seconds!r:.50}"


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(names))


def main() -> int:
    parser = argparse.ArgumentParser(prog="npm run doctor --", description=__doc__)
    parser.add_argument("--stage", default="dev", help="the stage to examine, dev if not given")
    parser.add_argument("--token", type=given_token, help="a token to judge, too; -: read it from stdin")
    options = parser.parse_args()

    command = ["node_modules/.bin/sls", "print", "--stage", options.stage, "--format", "json"]
    command += ["--path", "functions.authorizer.environment"]
    environment = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if environment.returncode != 0:
        print(environment.stdout)
        return 1
    logging.getLogger("auth").addHandler(logging.NullHandler())  # what it would log is said below
    findings = list(examine(json.loads(environment.stdout), options.token, cache(fetch_url)))
    for finding in findings:
        print(f"{finding.level:<5}  {finding.subject}: {finding.text}")
    wrong = [finding.subject for finding in findings if finding.level == "WRONG"]
    if not all(subject.startswith("token") for subject in wrong):
        print(f"Correct the settings in .env.{options.stage} (.env if there is none), or in the environment.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
