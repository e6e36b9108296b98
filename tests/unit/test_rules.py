"""Tests of your rules in rules.py. This file is yours, too.

A test calls a rule with claims, and says what it expects. For the examples of rules.py, for instance:

    def test_only_tokens_of_acme_are_accepted():
        assert rules.refuse({"org_id": "acme"}) is None
        assert rules.refuse({"org_id": "another"}) == rules.refuse({}) == "not of the organization acme"

    def test_a_visitor_may_read():
        assert rules.scopes({"realm_access": {"roles": ["visitor", "another"]}}) == ["read:pets"]
        assert rules.scopes({}) == rules.scopes({"realm_access": None}) == []

Run `npm run setup -- --dev` once, which installs pytest, and then

    .venv/bin/python -m pytest tests/unit/test_rules.py
"""

import rules
from auth.custom_rules import load_rules


def test_rules_py_defines_nothing_but_rules():
    assert load_rules().refuse is getattr(rules, "refuse", None)
