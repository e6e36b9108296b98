"""docs/routes.md: what it says to write is what works."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

from tests.support.checkout import ROOT, SLS, run
from tests.support.environment import SETTINGS
from tests.support.packages import AUTHORIZER
from tests.support.serverless_yml import TEXT

PAGE = (ROOT / "docs/routes.md").read_text()


def test_a_new_endpoint_takes_one_edit(editable: Path, clean: dict[str, str]) -> None:
    """The block of the page, and nothing else, but with other names: the service may have the endpoint."""
    (block,) = re.findall(r"^   ```yaml\n(     deletePet:\n.*?)   ```$", PAGE, re.MULTILINE | re.DOTALL)
    function = re.sub(r"^   ", "", block, flags=re.MULTILINE)
    for name, changed in (("  deletePet:\n", "  deleteFromPage:\n"), ("/pets/{petId}\n", "/page/{petId}\n")):
        assert function.count(name) == 1
        function = function.replace(name, changed)
    (editable / "serverless.yml").write_text(TEXT.replace("functions:\n", f"functions:\n{function}", 1))
    made = run(editable, SLS, "package", "--package", "package", environment=clean | SETTINGS)

    assert made.returncode == 0, made.stdout + made.stderr
    template = json.loads((editable / "package/cloudformation-template-update-stack.json").read_text())
    method = template["Resources"]["ApiGatewayMethodPagePetidVarDelete"]["Properties"]
    assert method["AuthorizerId"] == {"Ref": "AuthorizerApiGatewayAuthorizer"}
    with ZipFile(editable / "package" / AUTHORIZER) as package:
        assert "DELETE /page/{petId} delete:pets" in package.read("routes.txt").decode().splitlines()


def test_it_names_what_is_there() -> None:
    for name in re.findall(r"`((?:examples|plugins|local|docs)/[\w./-]+)`", PAGE):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"custom\.(\w+)", PAGE):
        assert f"{name}:" in (ROOT / "serverless.yml").read_text(), name
    scripts = json.loads((ROOT / "package.json").read_text())["scripts"]
    for name in re.findall(r"npm run (?:-s )?(\w+)", PAGE):
        assert name in scripts, name
    headings = re.findall(r"^#+ (.*)$", PAGE.lower(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\(#([\w-]+)\)", PAGE)) <= anchors
