// A scripted server on a thread of its own: it answers while the test's thread stands still.
import { parentPort } from 'node:worker_threads';
import { startScripted } from '../scripted.mjs';

const server = await startScripted(() => {});
parentPort.postMessage(server.url);
