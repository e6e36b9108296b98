// This file is how a local tool gives up: one line that says what is wrong and what to do.

export function fail(line) {
  console.error(line);
  process.exit(1);
}
