// A client of the example: node client.mjs URL [--token TOKEN] [--query] [--protocol NAME] [--say TEXT]

import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const text = { type: 'string' };
const options = { token: text, query: { type: 'boolean' }, protocol: text, say: { ...text, default: 'Hello' } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const { token, query, protocol, say } = values;

// A browser can't set the header. A URL is written to logs and histories: use tokens that expire soon.
const url = query ? `${positionals[0]}?access_token=${token}` : positionals[0];
const headers = token && !query ? { Authorization: `Bearer ${token}` } : {};
const socket = new WebSocket(url, protocol ? [protocol] : [], { headers });

socket.on('error', ({ message }) => console.log(message)); // such as a handshake that is not answered with 101
socket.on('open', () => {
  console.log(`Connected${socket.protocol && ` with the subprotocol ${socket.protocol}`}`);
  socket.send(say);
});
socket.on('message', (data) => {
  console.log(String(data));
  socket.close(1000);
});
socket.on('close', (code) => console.log(`Closed with the code ${code}`));
