/**
 * Compresses what is served on its way out: scripts and pages are a third of their size then. A file is read by whoever serves
 * folders, into a stand-in of the response that compresses what it is given.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';

/** Endings of texts; pictures are compressed already. A path without an ending is that of a page. */
const texts = /(?:^|\/)[^./]*$|\.(?:css|html?|js|json|map|md|mjs|svg|txt|wasm|xml)$/;

/** Level at which a script of 100 kB takes some milliseconds. */
const quality = 5;

/**
 * The response to hand to whoever serves the file: the one given, or one that compresses, where the reader of the answer
 * understands that and the file is a text.
 */
export function compressed(request: IncomingMessage, response: ServerResponse): ServerResponse {
  const accepted = (request.headers['accept-encoding'] ?? '')
    .split(',')
    .map((name) => name.split(';')[0].trim());
  const encoding = (['br', 'gzip'] as const).find((name) => accepted.includes(name));
  const path = (request.url ?? '/').split(/[?#]/)[0];
  const whole = request.method === 'GET' && request.headers.range === undefined;
  if (encoding === undefined || !whole || !texts.test(path)) return response;
  const stream =
    encoding === 'gzip'
      ? createGzip({ level: quality })
      : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
  return Object.assign(stream, {
    getHeader: (name: string) => response.getHeader(name),
    setHeader: (name: string, value: string) => response.setHeader(name, value),
    writeHead(code: number, headers: OutgoingHttpHeaders = {}) {
      if (code !== 200) return response.writeHead(code, headers).end();
      const { 'Content-Length': _, ...rest } = headers;
      response.writeHead(code, { ...rest, 'Content-Encoding': encoding, Vary: 'Accept-Encoding' });
      return stream.pipe(response);
    },
  }) as unknown as ServerResponse;
}
