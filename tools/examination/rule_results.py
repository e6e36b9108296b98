"""What the rules of rules.py return for a token."""

from collections.abc import Iterator

from auth import ConfigError
from auth.custom_rules import Results, Rules, apply_rules
from tools.untrusted_text import quoted

from .token_decision import decide, read
from .token_rules import issuer_of_token
from .trial import Case, Fault, Finding


def rule_results(case: Case) -> Iterator[Finding | Fault]:
    """Does each rule return what can be used, and does none refuse the token?"""
    token = read(case.token)
    if token is None or decide(case, issuer_of_token(case)).refusal:
        return  # rules are for tokens that are valid
    rules = {name: Rules(**{name: rule}) for name, rule in case.rules._asdict().items() if rule}
    # Each of them alone, so that all of them are examined. What two of them add may be too much together.
    together = {"all": case.rules} if len(rules) > 1 else {}
    failed: set[str] = set()
    for name, chosen in {**rules, **together}.items():
        try:
            results = apply_rules(chosen, token.claims)
        except ConfigError as error:
            if str(error) not in failed:
                failed.add(str(error))
                yield Fault("rules.py", f"{error}.", otherwise="The request fails, with a 500 or a 503.")
            continue
        if results.refusal is not None and name == "refuse":
            text = f"refuse returned {quoted(results.refusal)}: the token is valid, but refused (403)."
            yield Fault("token, rules.py", text, otherwise="Request another token, or correct the rule.")
        elif name in rules:
            yield Finding("note", "rules.py", f"{name} returned {_returned(name, results)}.")


def _returned(name: str, results: Results) -> str:
    if name == "scopes":
        return quoted(sorted(results.scopes))
    if name == "context":
        return quoted(results.context)
    if results.usage_plan_key is None:
        return "None"
    return f"a key of {len(results.usage_plan_key)} characters"  # which nobody else has to know
