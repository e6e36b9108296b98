// This file is what can be told of a token without its issuer's keys: its claims, and the status that a route should
// answer it with.
'use strict';

// Returns the header and the payload of a JWT, or undefined for anything else.
function decode(text) {
  try {
    const [header, payload] = text.split('.', 2).map((segment) => {
      const base64 = segment.replaceAll('-', '+').replaceAll('_', '/');
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    });
    return payload instanceof Object && { header, payload };
  } catch {
    return undefined;
  }
}

function encode(value) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// Returns the scopes that a payload grants, by the rules of SCOPE_CLAIMS (auth/claims.py).
function scopesOf(payload, scopeClaims) {
  return new Set(scopeClaims.flatMap((name) => granted(name, claim(payload, name))));
}

// The claim of that very name, whatever it holds, or else the one at the end of a path with dots.
function claim(payload, name) {
  if (Object.hasOwn(payload, name)) return payload[name];
  const step = (value, key) => (value instanceof Object && Object.hasOwn(value, key) ? value[key] : undefined);
  return name.split('.').reduce(step, payload);
}

function granted(name, value) {
  if (typeof value === 'string') return ['scope', 'scp'].includes(name) ? value.split(' ') : [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  if (!(value instanceof Object) || ['scope', 'scp', 'permissions'].includes(name)) return [];
  const isGranted = (member) => member === true || (member instanceof Object && Object.keys(member).length > 0);
  return Object.keys(value).filter((key) => isGranted(value[key]));
}

// Returns why a token is going to be rejected, or undefined. `token` is { text, decoded, isTampered }, or undefined.
function rejection(token, audience) {
  if (!token) return 'there is no token';
  if (!token.decoded) return 'this is not a JWT';
  if (token.isTampered) return 'the signature does not match';
  const { exp, aud } = token.decoded.payload;
  if (typeof exp !== 'number') return 'the token has no expiry time';
  if (exp * 1000 <= Date.now()) return 'the token has expired';
  if (audience && ![aud].flat().includes(audience)) return 'the token is for another audience';
  return undefined;
}

// Returns the status of a route for a token, and the reason. The status is undefined where it can't be told.
function expectation(route, token, { audience, scopeClaims }) {
  if (route.isPublic) return { status: 200, reason: 'no token is needed' };
  const rejected = rejection(token, audience);
  if (rejected) return { status: 401, reason: rejected };
  if (!route.scopes) return { reason: 'its scopes are not known here' };
  const scopes = scopesOf(token.decoded.payload, scopeClaims);
  const missing = route.scopes.filter((scope) => !scopes.has(scope));
  if (missing.length > 0) return { status: 403, reason: 'the token lacks ' + missing.join(', ') };
  const reason = route.scopes.length > 0 ? 'the token has ' + route.scopes.join(', ') : 'any valid token will do';
  return { status: 200, reason };
}
