// This file is the function that answers, in the local API, what API Gateway answers without a function when the API is
// deployed: its OAuth metadata. See plugins/offline-metadata.cjs.

export async function handler() {
  return {
    statusCode: 200,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=300', 'Access-Control-Allow-Origin': '*' },
    body: process.env.DOCUMENT,
  };
}
