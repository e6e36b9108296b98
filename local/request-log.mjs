// This file is the log of the local API: one line for each request, with the authorizer's reason in it.

// What serverless-offline says about each request.
const NOISE = [
  /^$/,
  / \(λ: [\w-]+\)$/, // a request, or the result of the authorizer
  /^\(λ: [\w-]+\) RequestId: /,
];

const DELAY = 50; // milliseconds: the authorizer's line takes another way than the answer, and may come later

export class RequestLog {
  #pending = new Set();
  #print;

  constructor(print) {
    this.#print = print;
  }

  // Call it with a request that arrived. It returns a function to call with the status of the answer.
  begin({ method, url, headers }) {
    const started = performance.now();
    const entry = { mayHaveDecision: method !== 'OPTIONS' && headers.authorization !== undefined };
    this.#pending.add(entry);
    return (status) => {
      const duration = Math.round(performance.now() - started);
      setTimeout(() => {
        this.#pending.delete(entry);
        if (method === 'OPTIONS' && status < 300) return; // a browser asks before each request of another origin
        const path = url.replace(/[^!-~]/g, '?');
        const decision = entry.decision ? `  ${entry.decision}` : '';
        this.#print(`${method} ${path}  ${status}  ${duration} ms${decision}`);
      }, DELAY);
    };
  }

  // Call it with a line that serverless-offline or a function printed.
  add(line) {
    if (NOISE.some((pattern) => pattern.test(line))) return;
    const decision = decisionIn(line);
    // With several requests at a time, nobody can tell whose decision it is.
    const candidates = [...this.#pending].filter((entry) => entry.mayHaveDecision && !entry.decision);
    if (decision && candidates.length === 1) candidates[0].decision = decision;
    else this.#print(line);
  }
}

function decisionIn(line) {
  if (!line.startsWith('{')) return undefined;
  try {
    const { event, outcome, reason, scopes } = JSON.parse(line);
    if (event !== 'decision') return undefined;
    const token = scopes ? ` (scopes of the token: ${scopes.join(' ') || 'none'})` : '';
    return outcome === 'policy' ? `${reason}${token}` : `${outcome}: ${reason}`;
  } catch {
    return undefined;
  }
}
