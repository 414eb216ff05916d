/**
 * A trained model behind an HTTP address, by Node alone. Rows go in as people have them, with names and gaps; answers come
 * out in the target's own unit; what cannot be answered gets a 400 that says why. The file of weights holds the network and
 * its preprocessing too, so that nothing of the training has to be repeated here.
 *
 *     npm run ts -- examples/20-server.ts                 # trains a small model, serves it, and asks it
 *     npm run ts -- examples/20-server.ts runs/houses-…   # serves what 'agrad train houses.csv --target price' left
 *     curl localhost:8080 -d '{"area": 80, "town": "north"}'
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  DataError,
  dataLoader,
  fitPreprocessing,
  preprocessingFromJSON,
  type TableRecord,
} from '@ag/datasets';
import { wasm } from '@ag/native-wasm';
import { linear, loadModel, type Module, mseLoss, relu, saveModel, sequential } from '@ag/nn';
import { adam } from '@ag/optim';
import { key, manualSeed, uniform, use } from '@ag/tensor';
import { fit, predict } from '@ag/train';

use(await wasm());

/** Longer requests are refused, in bytes. */
const longest = 1e6;

/** What went wrong on the other side, with the status that says so. */
class RequestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A server for the bytes of a weights file. */
function serve(bytes: Uint8Array): Server {
  const { model, metadata } = loadModel(bytes);
  if (metadata.preprocessing === undefined)
    throw new Error('the weights are of no table: they hold no preprocessing');
  const preprocessing = preprocessingFromJSON(metadata.preprocessing);
  const { inputs, target } = preprocessing;
  const name = target?.type === 'number' ? target.columns[0].name : target?.name;
  const unit = target?.type === 'number' ? target.unit : undefined;

  const answer = async (rows: TableRecord[]) => {
    // A category that the training data did not have is an error, not a guess.
    const { x, issues } = preprocessing.transform(rows, { handleUnknown: 'error' });
    const outputs = await predict(model as Module, x);
    return {
      target: name,
      ...(unit === undefined ? {} : { unit }),
      predictions: preprocessing.decode(await outputs.data()),
      // Gaps that were filled, columns that are not used.
      notes: issues.map(({ message }) => message),
    };
  };
  const about = {
    target: name,
    columns: inputs.map((input) => ({
      name: input.name,
      type: input.type,
      ...(input.type === 'category' ? { categories: input.categories } : {}),
      mayBeMissing: input.fill !== undefined,
    })),
  };

  return createServer(async (request, response) => {
    const send = (status: number, content: object) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(content)}\n`);
    try {
      if (request.method === 'GET') send(200, about);
      else if (request.method === 'POST') send(200, await answer(await rowsOf(request)));
      else throw new RequestError(405, 'GET says what is expected, POST predicts');
    } catch (error) {
      // What the data are to blame for is told; anything else is nobody's business but ours.
      if (error instanceof RequestError) send(error.status, { error: error.message });
      else if (error instanceof DataError) send(400, { error: error.message });
      else {
        console.error(error);
        send(500, { error: 'the server made a mistake' });
      }
    }
  });
}

/** One row, or a list of rows, from the body of a request. */
async function rowsOf(request: IncomingMessage): Promise<TableRecord[]> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > longest) throw new RequestError(413, `more than ${longest} bytes`);
    parts.push(part);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new RequestError(400, `not JSON: ${(error as Error).message}`);
  }
  const rows = Array.isArray(body) ? body : [body];
  const odd = rows.find((row) => typeof row !== 'object' || row === null || Array.isArray(row));
  if (odd !== undefined || rows.length === 0) {
    throw new RequestError(400, 'expected a row such as {"area": 80, "town": "north"}, or a list of rows');
  }
  return rows;
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** The weights file of a small model: prices of houses that are made up by a rule. */
async function smallModel(): Promise<Uint8Array> {
  manualSeed(20);
  const [areas, luck] = [
    await uniform([300], { low: 40, high: 160, key: key(1) }).data(),
    await uniform([300], { key: key(2) }).data(),
  ];
  const towns = ['harbor', 'north', 'south'];
  const rows = Array.from(areas, (area, i) => ({
    area: i % 20 === 3 ? null : area,
    town: towns[i % 3],
    price: 1000 * (60 + 2 * area + 50 * (i % 3) + 10 * luck[i]),
  }));
  const preprocessing = fitPreprocessing(rows, { target: 'price', unit: 'dollars' });
  const train = dataLoader(preprocessing.dataset(rows), { batchSize: 20, shuffle: true, seed: 20 });
  const model = sequential(linear(preprocessing.features, 16), relu(), linear(16, 1));
  const optimizer = adam(model.parameters(), { learningRate: 0.01 });
  for await (const _ of fit({
    model,
    optimizer,
    loss: mseLoss,
    train,
    epochs: 30,
    reportEvery: 0,
    compile: true,
  }));
  return saveModel(model, { metadata: { preprocessing: JSON.stringify(preprocessing) } });
}

const given = process.argv[2];
if (given !== undefined && existsSync(given) && !given.endsWith('.svg')) {
  const file = statSync(given).isDirectory() ? join(given, 'weights.safetensors') : given;
  console.log(`${await listen(serve(readFileSync(file)), Number(process.env.PORT ?? 8080))} serves ${file}`);
} else {
  const server = serve(await smallModel());
  const address = await listen(server, 0);
  const ask = async (body: string) => {
    const response = await fetch(address, { method: 'POST', body });
    console.log(`${body} → ${response.status} ${(await response.text()).trim()}`);
  };
  await ask('{"area": 100, "town": "south"}');
  await ask('[{"town": "harbor", "area": 50}, {"area": null, "town": "north"}]');
  await ask('{"area": 100, "town": "west"}');
  await ask('{"town": "north"}');
  await ask('{"area": "large", "town": "north"}');
  await ask('area=100');
  server.close();
  server.closeAllConnections();
}
