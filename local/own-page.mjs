// This file keeps other websites away from the local issuer. A page of any of them, open in a browser on this machine,
// can send requests to 127.0.0.1. It must get no token.

// Tells whether a request is from the page at `url`, or from a program, which sends none of the headers of a browser.
export function isFromOwnPage({ headers, method, url: target }, { host, origin }) {
  // Another name in Host is a website whose name was made to resolve to 127.0.0.1 (DNS rebinding).
  if (headers.host !== host) return false;
  if (headers.origin !== undefined) return headers.origin === origin;
  // A browser sends no Origin with a link or an image.
  const isOpened = method === 'GET' && target === '/' && headers['sec-fetch-mode'] === 'navigate';
  return isOpened || ['same-origin', 'none', undefined].includes(headers['sec-fetch-site']);
}
