"""The tokens of machines: clouds, clusters and pipelines, in the order of the alphabet.

Where the caller chooses the audience, other customers of the provider can get a token with ours.
REQUIRED_CLAIMS rejects theirs.
"""

from tests.unit.issuers.shapes import (
    CERTIFICATE,
    IN_AN_HOUR,
    NOT_AN_AUDIENCE,
    NOT_THE_ISSUER,
    NOW,
    WRONG_ALGORITHM,
    NoKeys,
    Provider,
    Rejected,
    Token,
    accepted,
    lacks,
    other_rsa,
    p256,
    p384,
    rsa,
    without,
)

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
AWS_ROLE = {
    "iss": "https://ISSUER_ID.tokens.sts.global.api.aws",
    "aud": "https://api.acme.example",
    "sub": "arn:aws:iam::111122223333:role/worker",
    "iat": NOW,
    "exp": NOW + 300,
    "jti": "0d5c7a9e",
    "https://sts.amazonaws.com/": {
        "aws_account": "111122223333",
        "source_region": "eu-central-1",
        "org_id": "o-abc1234567",
        "principal_tags": {"team": "pets"},
        "request_tags": {"job": "1"},
    },
}
AWS = Provider(
    "AWS IAM",
    settings={
        "TOKEN_ISSUER": "https://ISSUER_ID.tokens.sts.global.api.aws",
        "AUDIENCE": "https://api.acme.example",
        "ALGORITHMS": "ES384",
        "REQUIRED_CLAIMS": "sub=arn:aws:iam::111122223333:role/worker",
    },
    keys=[p384("EC384_1", use="sig", alg="ES384"), rsa("RSA_1", use="sig")],
    header={"kid": "EC384_1", "typ": "JWT", "alg": "ES384"},
    tokens=[
        Token(
            "role token with ES384",
            AWS_ROLE,
            accepted(by="arn:aws:iam::111122223333:role/worker"),
        ),
        Token(
            "role token with RS256, whose key has no alg",
            AWS_ROLE,
            accepted(by="arn:aws:iam::111122223333:role/worker"),
            settings={"ALGORITHMS": "ES384,RS256"},
            header={"kid": "RSA_1", "typ": "JWT", "alg": "RS256"},
            pair="RSA",
        ),
        Token(
            "role token with RS256, without the setting",
            AWS_ROLE,
            WRONG_ALGORITHM,
            header={"kid": "RSA_1", "typ": "JWT", "alg": "RS256"},
            pair="RSA",
        ),
        Token(
            "another role's token with our audience",
            AWS_ROLE | {"sub": "arn:aws:iam::111122223333:role/intern"},
            lacks("sub"),
        ),
        Token(
            "token of another account",
            AWS_ROLE | {"iss": "https://another.tokens.sts.global.api.aws"},
            NOT_THE_ISSUER,
        ),
    ],
)

# https://circleci.com/docs/openid-connect-tokens (from memory)
CIRCLECI_JOB = {
    "aud": "ORG_ID",
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "iss": "https://oidc.circleci.com/org/ORG_ID",
    "oidc.circleci.com/context-ids": ["c1a2"],
    "oidc.circleci.com/project-id": "PROJECT_ID",
    "oidc.circleci.com/ssh-rerun": False,
    "oidc.circleci.com/vcs-origin": "github.com/acme/pets",
    "oidc.circleci.com/vcs-ref": "refs/heads/main",
    "sub": "org/ORG_ID/project/PROJECT_ID/user/5d0f",
}
CIRCLECI = Provider(
    "CircleCI",
    settings={
        "TOKEN_ISSUER": "https://oidc.circleci.com/org/ORG_ID",
        "AUDIENCE": "ORG_ID",
        "REQUIRED_CLAIMS": "oidc.circleci.com/project-id=PROJECT_ID,oidc.circleci.com/ssh-rerun=false",
    },
    keys=[rsa("7f1b", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "7f1b", "typ": "JWT"},
    tokens=[
        Token(
            "job token: claim names with dots, and a boolean",
            CIRCLECI_JOB,
            accepted(by="org/ORG_ID/project/PROJECT_ID/user/5d0f"),
        ),
        Token(
            "token of another project of the organization",
            CIRCLECI_JOB | {"oidc.circleci.com/project-id": "other"},
            lacks("oidc.circleci.com/project-id"),
        ),
        Token(
            "token of a job that was rerun with SSH",
            CIRCLECI_JOB | {"oidc.circleci.com/ssh-rerun": True},
            lacks("oidc.circleci.com/ssh-rerun"),
        ),
    ],
)

# https://docs.github.com/actions/reference/security/oidc
GITHUB_JOB = {
    "jti": "6f0a5c1e-4b2d",
    "sub": "repo:acme/pets:ref:refs/heads/main",
    "aud": "https://api.acme.example",
    "ref": "refs/heads/main",
    "ref_protected": "true",
    "ref_type": "branch",
    "sha": "9f2b",
    "repository": "acme/pets",
    "repository_id": "123456789",
    "repository_owner": "acme",
    "repository_owner_id": "87654321",
    "repository_visibility": "private",
    "run_id": "1",
    "run_attempt": "1",
    "runner_environment": "github-hosted",
    "actor": "ana",
    "workflow": "deploy",
    "job_workflow_ref": "acme/pets/.github/workflows/deploy.yml@refs/heads/main",
    "event_name": "push",
    "head_ref": "",
    "iss": "https://token.actions.githubusercontent.com",
    "nbf": NOW - 600,
    "exp": NOW + 300,
    "iat": NOW,
}
GITHUB = Provider(
    "GitHub Actions",
    settings={
        "TOKEN_ISSUER": "https://token.actions.githubusercontent.com",
        "AUDIENCE": "https://api.acme.example",
        "REQUIRED_CLAIMS": "repository_owner_id=87654321,repository_id=123456789,ref=refs/heads/main",
    },
    keys=[
        rsa("cc413527-173f", use="sig", alg="RS256", x5t="NzgwMTk", x5c=CERTIFICATE),
        other_rsa("38826b17-6a30", use="sig", alg="RS256", x5t="MTc2NTM", x5c=CERTIFICATE),
    ],
    header={"typ": "JWT", "alg": "RS256", "x5t": "NzgwMTk", "kid": "cc413527-173f"},
    tokens=[
        Token("job token", GITHUB_JOB, accepted(by="repo:acme/pets:ref:refs/heads/main")),
        Token(
            "another owner's job token with our audience",
            GITHUB_JOB | {"sub": "repo:mallory/x:ref:refs/heads/main", "repository_owner_id": "666"},
            lacks("repository_owner_id"),
        ),
        Token(
            "another owner's job token with our audience, without REQUIRED_CLAIMS",
            GITHUB_JOB | {"sub": "repo:mallory/x:ref:refs/heads/main", "repository_owner_id": "666"},
            accepted(by="repo:mallory/x:ref:refs/heads/main"),
            settings={"REQUIRED_CLAIMS": ""},
        ),
        Token(
            "pull request's job token",
            GITHUB_JOB | {"sub": "repo:acme/pets:pull_request", "ref": "refs/pull/7/merge"},
            lacks("ref"),
        ),
        Token("job token for another audience", GITHUB_JOB | {"aud": "sts.amazonaws.com"}, NOT_AN_AUDIENCE),
    ],
)

# https://docs.gitlab.com/ci/secrets/id_token_authentication (from memory)
GITLAB_JOB = {
    "namespace_id": "72",
    "namespace_path": "acme",
    "project_id": "20",
    "project_path": "acme/pets",
    "user_login": "ana",
    "pipeline_source": "push",
    "ref": "main",
    "ref_type": "branch",
    "ref_protected": "true",
    "jti": "235b3a54",
    "iss": "https://gitlab.com",
    "iat": NOW,
    "nbf": NOW - 5,
    "exp": IN_AN_HOUR,
    "sub": "project_path:acme/pets:ref_type:branch:ref:main",
    "aud": "https://api.acme.example",
}
GITLAB = Provider(
    "GitLab CI",
    settings={
        "TOKEN_ISSUER": "https://gitlab.com",
        "AUDIENCE": "https://api.acme.example",
        "REQUIRED_CLAIMS": "project_id=20,ref_protected=true",
    },
    keys=[rsa("4i3sFE7s", use="sig", alg="RS256")],
    header={"kid": "4i3sFE7s", "typ": "JWT", "alg": "RS256"},
    tokens=[
        Token("job token", GITLAB_JOB, accepted(by="project_path:acme/pets:ref_type:branch:ref:main")),
        Token(
            "another owner's job token with our audience",
            GITLAB_JOB | {"project_id": "21", "project_path": "mallory/x"},
            lacks("project_id"),
        ),
        Token(
            "job token of an unprotected branch",
            GITLAB_JOB | {"ref_protected": "false"},
            lacks("ref_protected"),
        ),
    ],
)

# https://gist.github.com/tsaarni/79b8b51610c948562cfe5d2e1002cae4
KUBERNETES_POD = {
    "aud": ["https://api.acme.example"],
    "exp": IN_AN_HOUR,
    "iat": NOW,
    "iss": "https://oidc.eks.eu-central-1.amazonaws.com/id/CLUSTER_ID",
    "jti": "7e1c",
    "kubernetes.io": {
        "namespace": "pets",
        "node": {"name": "ip-10-0-0-1", "uid": "1"},
        "pod": {"name": "worker-6f7", "uid": "2"},
        "serviceaccount": {"name": "worker", "uid": "3"},
    },
    "nbf": NOW,
    "sub": "system:serviceaccount:pets:worker",
}
KUBERNETES = Provider(
    "Kubernetes",
    settings={
        "TOKEN_ISSUER": "https://oidc.eks.eu-central-1.amazonaws.com/id/CLUSTER_ID",
        "AUDIENCE": "https://api.acme.example",
        "REQUIRED_CLAIMS": "sub=system:serviceaccount:pets:worker",
    },
    keys=[rsa("b7d2f3c1", use="sig", alg="RS256"), other_rsa("a6c1e2b0", use="sig", alg="RS256")],
    header={"alg": "RS256", "kid": "b7d2f3c1"},
    tokens=[
        Token(
            "projected token of a pod: no typ",
            KUBERNETES_POD,
            accepted(by="system:serviceaccount:pets:worker"),
        ),
        Token(
            "another service account's token with our audience",
            KUBERNETES_POD | {"sub": "system:serviceaccount:default:default"},
            lacks("sub"),
        ),
        Token(
            "projected token for the API server",
            KUBERNETES_POD | {"aud": ["https://kubernetes.default.svc"]},
            NOT_AN_AUDIENCE,
        ),
        Token(
            "token from a Secret (before version 1.24): no aud and no exp",
            {
                "iss": "kubernetes/serviceaccount",
                "kubernetes.io/serviceaccount/namespace": "pets",
                "sub": "system:serviceaccount:pets:worker",
            },
            NOT_THE_ISSUER,
        ),
    ],
)

# https://github.com/spiffe/spiffe: standards/JWT-SVID.md and SPIFFE_Trust_Domain_and_Bundle.md
SPIFFE_SVID = {
    "iss": "https://oidc.YOUR_DOMAIN",
    "sub": "spiffe://YOUR_DOMAIN/ns/pets/sa/worker",
    "aud": ["https://api.acme.example"],
    "exp": NOW + 300,
    "iat": NOW,
}
SPIFFE = Provider(
    "SPIFFE",
    settings={
        "TOKEN_ISSUER": "https://oidc.YOUR_DOMAIN",
        "AUDIENCE": "https://api.acme.example",
        "ALGORITHMS": "ES256",
        "REQUIRED_CLAIMS": "sub=spiffe://YOUR_DOMAIN/ns/pets/sa/worker",
    },
    keys=[p256("WjHoF7V2", alg="ES256")],
    header={"alg": "ES256", "kid": "WjHoF7V2", "typ": "JOSE"},
    tokens=[
        Token(
            "JWT-SVID with typ JOSE",
            SPIFFE_SVID,
            accepted(by="spiffe://YOUR_DOMAIN/ns/pets/sa/worker"),
        ),
        Token(
            "JWT-SVID with typ JWT",
            SPIFFE_SVID,
            accepted(by="spiffe://YOUR_DOMAIN/ns/pets/sa/worker"),
            header={"alg": "ES256", "kid": "WjHoF7V2", "typ": "JWT"},
        ),
        Token(
            "JWT-SVID without iss",
            without(SPIFFE_SVID, "iss"),
            Rejected("iss is missing"),
        ),
        Token(
            "JWT-SVID with the keys of the trust bundle: use is jwt-svid",
            SPIFFE_SVID,
            NoKeys(),
            keys=[p256("WjHoF7V2", use="jwt-svid")],
        ),
        Token(
            "JWT-SVID of another workload",
            SPIFFE_SVID | {"sub": "spiffe://YOUR_DOMAIN/ns/zoo/sa/worker"},
            lacks("sub"),
        ),
    ],
)

WORKLOADS = (AWS, CIRCLECI, GITHUB, GITLAB, KUBERNETES, SPIFFE)
