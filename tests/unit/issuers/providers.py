"""All tables."""

from tests.unit.issuers.auth0 import AUTH0
from tests.unit.issuers.cognito import COGNITO
from tests.unit.issuers.entra import ENTRA
from tests.unit.issuers.google import FIREBASE, GOOGLE
from tests.unit.issuers.keycloak import KEYCLOAK
from tests.unit.issuers.okta import OKTA
from tests.unit.issuers.platforms import PLATFORMS
from tests.unit.issuers.servers import SERVERS
from tests.unit.issuers.workloads import WORKLOADS

PROVIDERS = (
    *(AUTH0, COGNITO, ENTRA, FIREBASE, GOOGLE, KEYCLOAK, OKTA),
    *(*PLATFORMS, *SERVERS, *WORKLOADS),
)
