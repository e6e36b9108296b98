// This file is the peer: a Lambda authorizer made of jsonwebtoken and jwks-rsa, as Auth0's sample puts them together.
'use strict';

const { promisify } = require('util');
const jwksClient = require('jwks-rsa');
const jwt = require('jsonwebtoken');

const client = jwksClient({
  cache: true,
  rateLimit: true,
  jwksRequestsPerMinute: 10,
  jwksUri: process.env.JWKS_URI,
});
const getSigningKey = promisify(client.getSigningKey);

exports.authorize = async (event) => {
  const [, token] = /^Bearer (.*)$/.exec(event.authorizationToken) || [];
  const decoded = jwt.decode(token, { complete: true });
  if (!decoded || !decoded.header.kid) throw new Error('invalid token');
  const key = await getSigningKey(decoded.header.kid);
  const claims = jwt.verify(token, key.getPublicKey(), {
    audience: process.env.AUDIENCE,
    issuer: process.env.TOKEN_ISSUER,
  });
  return {
    principalId: claims.sub,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }],
    },
    context: { scope: claims.scope },
  };
};
