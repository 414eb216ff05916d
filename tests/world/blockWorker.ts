/** A worker of the tests of `fit({ workers })`: its network is named by `workerData`, and it may die on purpose. */
import { parentPort, workerData } from 'node:worker_threads';
import { accuracy } from '@ag/nn';
import { serveWorker } from '@ag/train';
import { loss, type NetworkName, network } from './networks.ts';

/** What a worker is told. */
export interface WorkerOrders {
  readonly network: NetworkName;
  /** The task with which it dies, from 1; 0 for none. */
  readonly diesAt: number;
  /** Whether its loss throws. */
  readonly fails?: boolean;
  /** Whether it serves nothing. */
  readonly idle?: boolean;
}

const orders = workerData as WorkerOrders;
let tasks = 0;
if (orders.diesAt > 0)
  parentPort?.on('message', (message: { ag: string }) => {
    if (message.ag === 'blocks' && ++tasks === orders.diesAt) process.exit(3);
  });
if (!orders.idle)
  serveWorker({
    // Other weights than in the program, which count for nothing.
    model: network(orders.network, 99),
    loss: orders.fails
      ? () => {
          throw new RangeError('no such class');
        }
      : loss,
    metrics: { accuracy },
  });
