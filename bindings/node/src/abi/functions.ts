/** The functions of the C ABI, declared for koffi. No function of JavaScript is ever passed to C. */

import { pointer, type KoffiFunc, type LibraryHandle, type TypeObject } from 'koffi';
import { isText } from '../checks.js';
import { DirectusRealtimeError } from '../errors.js';
import { HANDLE, type ClientFields, type Handle, type SubscriptionFields, type Types } from './types.js';

/** An out parameter. */
type Out = BigUint64Array;
type Sized<T> = T & { struct_size: number };
type Status = number;

/** The types that need no guard. `str` does: for a string, koffi would also take a number, as an address. */
type Plain = 'int32_t' | 'uint32_t' | 'uint64_t' | 'uintptr_t' | 'size_t' | 'void *' | TypeObject;

/** A second check, against crashes. Public methods have checked their arguments with better messages. */
export function guardText(value: unknown): void {
    if (!isText(value)) {
        const sentence = 'an argument is no string, or contains a NUL character or half of a surrogate pair';
        throw new DirectusRealtimeError('DRT_ERR_INVALID_ARGUMENT', sentence);
    }
}

/** A callback's function, user data and release function: everything comes as rows, with the user data. */
const REGISTRATION = ['void *', 'uintptr_t', 'void *'] as const;
type Registration = [fn: null, id: number, release: null];

/** Declares the functions that this package uses. `check` throws the error of a negative status. */
export function declareFunctions(library: LibraryHandle, types: Types, check: (status: Status) => Status) {
    const declare = <Args extends unknown[]>(name: string, ...parameters: Plain[]) =>
        library.func(name, 'int32_t', parameters) as unknown as KoffiFunc<(...args: Args) => Status>;
    const checked = <Args extends unknown[]>(name: string, ...parameters: Plain[]) => {
        const call = declare<Args>(name, ...parameters);
        return (...args: Args): Status => check(call(...args));
    };
    /** One whose second argument is a string. */
    const withText = <Rest extends unknown[]>(name: string, ...rest: Plain[]) => {
        const call = library.func(name, 'int32_t', [HANDLE, 'str', ...rest]);
        return (client: Handle, text: string, ...more: Rest): void => {
            guardText(text);
            check(call(client, text, ...more) as Status);
        };
    };
    const onHandle = (name: string) => checked<[Handle]>(name, HANDLE);
    /** Ends something, and does nothing where that has ended already. */
    const end = (name: string) => declare<[Handle]>(name, HANDLE);

    return {
        setLog: checked<[level: number, ...Registration]>('drt_set_log', 'int32_t', ...REGISTRATION),
        logOpen: checked<[level: number, fd: Int32Array]>('drt_log_open', 'int32_t', 'void *'),

        clientNew: checked<[Sized<ClientFields>, Out]>(
            'drt_client_new',
            pointer(types.clientOptions),
            'void *',
        ),
        onToken: checked<[Handle, ...Registration]>('drt_client_on_token', HANDLE, ...REGISTRATION),
        connect: onHandle('drt_client_connect'),
        reconnect: onHandle('drt_client_reconnect'),
        disconnect: onHandle('drt_client_disconnect'),
        setToken: withText('drt_client_set_token'),
        state: onHandle('drt_client_state'),
        clientStats: checked<[Handle, Uint8Array]>('drt_client_stats', HANDLE, 'void *'),
        closeSync: declare<[Handle, timeoutMs: number]>('drt_client_close', HANDLE, 'uint32_t'),
        /** Readable while something waits for the client. */
        fd: onHandle('drt_client_fd'),
        nextRows: checked<
            [
                ...[Handle, timeoutMs: number, maxRows: number],
                ...[index: Uint32Array, entrySize: number, text: Out, length: Out, rows: Out],
            ]
        >(
            'drt_client_next_indexed',
            ...([HANDLE, 'int32_t', 'size_t'] as const),
            ...(['void *', 'size_t', 'void *', 'void *', 'void *'] as const),
        ),

        drtSubscribe: checked<
            [client: Handle, scope: Handle, Sized<SubscriptionFields>, ...Registration, Out]
        >(
            'drt_subscribe',
            ...([HANDLE, HANDLE, pointer(types.subscriptionOptions), ...REGISTRATION, 'void *'] as const),
        ),
        unsubscribe: end('drt_subscription_unsubscribe'),
        /** Has a fresh snapshot come. */
        resync: end('drt_subscription_resync'),

        sendMessage: withText('drt_send_message'),
        drtRequest: withText<[timeoutMs: number, ...Registration]>(
            'drt_request',
            'uint32_t',
            ...REGISTRATION,
        ),
    };
}
