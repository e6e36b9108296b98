"""How long it takes to compile a table and to decide with it, and how large the policy gets.

`npm run bench`. The tables are those of REST APIs: collections, their items, and what belongs to an item.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from itertools import count, islice
from statistics import median

from auth.events import PolicyDocument, policy_document
from auth.policy import PolicyTable
from auth.routes import parse_routes

COLLECTION = """
GET     /{name}                      read:{name}
POST    /{name}                      create:{name}
GET     /{name}/{{id}}               read:{name}
PUT     /{name}/{{id}}               update:{name}
DELETE  /{name}/{{id}}               delete:{name}
"""
# Five more lines, which make a policy harder: a name beside a parameter, and paths below one.
NESTED = (
    COLLECTION
    + """
GET     /{name}/mine                 own:{name}
GET     /{name}/{{id}}/parts         read:{name}
POST    /{name}/{{id}}/parts         update:{name}
GET     /{name}/{{id}}/parts/{{part}}  read:parts
DELETE  /{name}/{{id}}/parts/{{part}}  delete:parts
"""
)
STAGE_ARN = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/"


def table_text(collection: str, routes: int) -> str:
    lines = (line for n in count() for line in collection.format(name=f"things{n}").split("\n") if line)
    return "\n".join(islice(lines, routes))


def microseconds(function: Callable[[], object], rounds: int) -> float:
    """Return the median of the processor time, which does not count other load on the machine."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return median(times) * 1e6


def main() -> None:
    print("Route tables and policies, medians")
    print()
    print("| routes      | compile  | scopes  | new     | cached  | allowed | denied | policy       |")
    print("| ----------- | -------: | ------- | ------: | ------: | ------: | -----: | -----------: |")
    for name, collection in (("plain", COLLECTION), ("nested", NESTED)):
        for routes in (10, 300):
            text = table_text(collection, routes)
            table = parse_routes(text).table("", "rest")
            assert table
            compiling = microseconds(partial(PolicyTable, table), 51) / 1e3
            policies = PolicyTable(table)
            reading = frozenset(scope for scope in table.scopes if scope.startswith("read:"))
            for held, scopes in (("all", table.scopes), ("read:*", reading), ("none", frozenset[str]())):
                new = microseconds(partial(policies._patterns, scopes), 1001)
                cached = microseconds(partial(policy, policies, scopes), 1001)
                document = policy(policies, scopes)
                sizes = {"Allow": 0, "Deny": 0} | {
                    s["Effect"]: len(s["Resource"]) for s in document["Statement"]
                }
                print(
                    f"| {routes:3} {name:7} | {compiling:5.2f} ms | {held:7} | {new:4.0f} us"
                    f" | {cached:4.0f} us | {sizes['Allow']:7} | {sizes['Deny']:6}"
                    f" | {len(json.dumps(document)):6} bytes |"
                )
    print()
    print("new: the first token with these scopes; cached: all others")


def policy(policies: PolicyTable, scopes: frozenset[str]) -> PolicyDocument:
    return policy_document(STAGE_ARN, *policies.patterns(scopes))


if __name__ == "__main__":
    main()
