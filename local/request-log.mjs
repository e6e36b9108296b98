// This file is the log of the local API: one line for each request, with the authorizer's reason in it.

// What serverless-offline says about each request.
const NOISE = [
  /^$/,
  / \(λ: [\w-]+\)$/, // a request, or the result of the authorizer
  /^\(λ: [\w-]+\) RequestId: /,
];

const DELAY = 200; // milliseconds: the authorizer's line takes another way than the answer, and may come later

export class RequestLog {
  #decisions = new Map(); // by the trace ID; undefined: none yet
  #print;

  constructor(print) {
    this.#print = print;
  }

  // Call it with a request that arrived. It returns a function to call with the status of the answer.
  begin({ method, url, headers }, traceId) {
    const started = performance.now();
    this.#decisions.set(traceId, undefined);
    return (status) => {
      const duration = Math.round(performance.now() - started);
      setTimeout(() => {
        const reason = this.#decisions.get(traceId) ?? reasonWithoutDecision(status, headers);
        this.#decisions.delete(traceId);
        if (method === 'OPTIONS' && status < 300) return; // a browser asks before each request of another origin
        const path = url.replace(/[^!-~]/g, '?');
        this.#print(`${method} ${path}  ${status}  ${duration} ms${reason && `  ${reason}`}`);
      }, DELAY);
    };
  }

  // Call it with a line that serverless-offline or a function printed.
  add(line) {
    if (NOISE.some((pattern) => pattern.test(line))) return;
    const { traceId, reason } = decisionIn(line);
    if (this.#decisions.has(traceId)) this.#decisions.set(traceId, reason);
    else this.#print(line);
  }
}

function reasonWithoutDecision(status, headers) {
  return status === 401 && headers.authorization === undefined ? 'no token: the authorizer was not asked' : '';
}

// local/gateway.py makes the trace ID the request ID of the decision.
function decisionIn(line) {
  if (!line.startsWith('{')) return {};
  try {
    const { event, outcome, reason, scopes, request_id: traceId } = JSON.parse(line);
    if (event !== 'decision') return {};
    const token = scopes ? ` (scopes of the token: ${scopes.join(' ') || 'none'})` : '';
    return { traceId, reason: outcome === 'policy' ? `${reason}${token}` : `${outcome}: ${reason}` };
  } catch {
    return {};
  }
}
