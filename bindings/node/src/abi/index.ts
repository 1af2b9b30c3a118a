/** The C ABI: its functions, and in place of some of them what is more convenient. Failures are thrown. */

import { isMainThread } from 'node:worker_threads';
import { decode, sizeof } from 'koffi';
import { DirectusRealtimeError, type ErrorCode, type ErrorDetails } from '../errors.js';
import { declareFunctions, guardText } from './functions.js';
import { loadLibrary } from './library.js';
import { declareLive } from './live.js';
import { camel, translateMessage } from './messages.js';
import { Batch, ENTRY_BYTES, type DataUse } from './rows.js';
import { ThreadExit } from './thread-exit.js';
import {
    DELIVER_POLL,
    DUPLICATE,
    OK,
    TEXTS,
    declareTypes,
    type ClientFields,
    type ErrorInfo,
    type Handle,
    type StatsFields,
    type SubscriptionFields,
} from './types.js';

export type { Handle };

/** Scopes are kept by this package: they need what ends with them here anyway. */
const NO_SCOPE = 0n;

function guardTexts(fields: object, texts: readonly string[]): void {
    for (const name of texts) {
        const value = (fields as Record<string, unknown>)[name];
        if (value !== undefined && value !== null) {
            guardText(value);
        }
    }
}

/** Room for a struct that the library fills; it begins with its size. */
function room(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(size), true);
    return bytes;
}

function makeAbi() {
    const types = declareTypes();
    const library = loadLibrary();
    const statusName = library.func('drt_status_name', 'str', ['int32_t']);
    const lastErrorInfo = library.func('drt_last_error_info', 'int32_t', ['void *']);
    const c = declareFunctions(library, types, check);
    /** Only in worker threads: the main thread ends with the process, and so do all links. */
    const threadExit = isMainThread ? undefined : new ThreadExit(library);
    const [out, length, count] = [1, 1, 1].map((size) => new BigUint64Array(size)) as [
        BigUint64Array,
        BigUint64Array,
        BigUint64Array,
    ];

    /** The error of a status; none where that is no error. */
    function toError(
        status: number,
        message: string,
        more?: ErrorDetails,
    ): DirectusRealtimeError | undefined {
        const code = () => statusName(status) as ErrorCode;
        return status < OK ? new DirectusRealtimeError(code(), translateMessage(message), more) : undefined;
    }

    function check(status: number): number {
        if (status < OK) {
            const bytes = room(sizeof(types.errorInfo));
            lastErrorInfo(bytes);
            const { argument, message } = decode(bytes, types.errorInfo) as ErrorInfo;
            throw toError(status, message, argument === null ? {} : { argument: camel(argument) });
        }
        return status;
    }

    return {
        ...c,
        ...declareLive(library, { check, guardTexts }),
        toError,

        /** A file descriptor from which to read the log, as lines of `[level, target, message]`. */
        openLog(level: number): number {
            const fd = new Int32Array(1);
            c.logOpen(level, fd);
            return fd[0]!;
        },

        endLog(): void {
            c.setLog(0, null, 0, null);
        },

        newClient(fields: ClientFields): Handle {
            guardTexts(fields, TEXTS.client);
            c.clientNew({ ...fields, struct_size: sizeof(types.clientOptions), delivery: DELIVER_POLL }, out);
            threadExit?.watch(out[0]!);
            return out[0]!;
        },

        /** Has requests for tokens come as rows. Only once: a second call would end that. */
        askForTokens(client: Handle): void {
            c.onToken(client, null, 0, null);
        },

        stats(client: Handle): StatsFields {
            const bytes = room(sizeof(types.stats));
            c.clientStats(client, bytes);
            return decode(bytes, types.stats) as StatsFields;
        },

        /** Waits on another thread. */
        close(client: Handle, timeoutMs: number): Promise<void> {
            threadExit?.unwatch(client);
            return new Promise((resolve, reject) => {
                c.closeSync.async(client, timeoutMs, (failure: unknown, status: number) => {
                    const error = failure ?? toError(status, 'the link was not closed in time');
                    if (error) {
                        reject(error as Error);
                    } else {
                        resolve();
                    }
                });
            });
        },

        /** What waits for the client, at most `maxRows` rows; `index` has room for them. */
        next(client: Handle, maxRows: number, index: Uint32Array, use: DataUse): Batch {
            c.nextRows(client, 0, maxRows, index, ENTRY_BYTES, out, length, count);
            const rows = Number(count[0]);
            const text = rows === 0 ? '' : (decode.string(out[0]!, length[0]!) as string);
            return new Batch(index, rows, text, Number(length[0]), use);
        },

        /** The subscription's handle, or `undefined` when its uid is taken. */
        subscribe(client: Handle, fields: SubscriptionFields, id: number): Handle | undefined {
            guardTexts(fields, TEXTS.subscription);
            const options = { ...fields, struct_size: sizeof(types.subscriptionOptions) };
            const status = c.drtSubscribe(client, NO_SCOPE, options, null, id, null, out);
            return status === DUPLICATE ? undefined : out[0]!;
        },

        request(client: Handle, json: string, timeoutMs: number, id: number): void {
            c.drtRequest(client, json, timeoutMs, null, id, null);
        },
    };
}

export type Abi = ReturnType<typeof makeAbi>;

let loaded: Abi | undefined;

/** Loads the library at the first call. There is one for each copy of this package in each thread. */
export function getAbi(): Abi {
    return (loaded ??= makeAbi());
}
