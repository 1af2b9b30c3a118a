/** The functions of the C ABI, declared for koffi. */

import { pointer, type KoffiFunc, type LibraryHandle, type TypeObject } from 'koffi';
import { isText, invalid } from '../checks.js';
import type { ClientFields, Handle, SubscriptionFields, Types } from './types.js';

/** An out parameter. */
export type Out = BigUint64Array;
type Sized<T> = T & { struct_size: number };
type Callback = bigint | null;
type Status = number;

/** The types that need no guard. `str` does: for a string, koffi would also take a number, as an address. */
type Plain = 'int32_t' | 'uint32_t' | 'uint64_t' | 'uintptr_t' | 'size_t' | 'void *' | TypeObject;

/** A second check, against crashes. Public methods have checked their arguments with better messages. */
export function guardText(value: unknown): void {
    if (!isText(value)) {
        throw invalid('an argument is no string, or contains a NUL character or half of a surrogate pair');
    }
}

/** Declares the functions that this package uses. */
export function declareFunctions(library: LibraryHandle, types: Types) {
    const { HANDLE, USER_DATA } = types;
    const declare = <F extends (...args: never[]) => unknown>(
        name: string,
        result: string,
        parameters: Plain[],
    ) => library.func(name, result, parameters) as unknown as KoffiFunc<F>;
    const declareWithText = <F extends (...args: never[]) => unknown>(
        name: string,
        result: string,
        parameters: (Plain | 'str')[],
    ): F => {
        const call = library.func(name, result, parameters);
        const texts = parameters.flatMap((type, at) => (type === 'str' ? [at] : []));
        const guarded = (...args: unknown[]): unknown => {
            texts.forEach((at) => guardText(args[at]));
            return call(...args);
        };
        return guarded as unknown as F;
    };
    const onHandle = (name: string) => declare<(client: Handle) => Status>(name, 'int32_t', [HANDLE]);

    return {
        statusName: declare<(status: Status) => string>('drt_status_name', 'str', ['int32_t']),
        lastError: declare<() => string>('drt_last_error', 'str', []),
        version: declare<() => string>('drt_version', 'str', []),

        setLog: declare<(level: number, fn: null, data: number, release: null) => Status>(
            'drt_set_log',
            'int32_t',
            ['int32_t', 'void *', USER_DATA, 'void *'],
        ),
        logOpen: declare<(level: number, fd: Int32Array) => Status>('drt_log_open', 'int32_t', [
            'int32_t',
            'void *',
        ]),

        clientNew: declare<(options: Sized<ClientFields>, out: Out) => Status>('drt_client_new', 'int32_t', [
            pointer(types.clientOptions),
            'void *',
        ]),
        onState: declare<(client: Handle, fn: Callback, data: number, release: Callback) => Status>(
            'drt_client_on_state',
            'int32_t',
            [HANDLE, types.onState, USER_DATA, types.onRelease],
        ),
        onToken: declare<(client: Handle, fn: Callback, data: number, release: Callback) => Status>(
            'drt_client_on_token',
            'int32_t',
            [HANDLE, types.onToken, USER_DATA, types.onRelease],
        ),
        connect: onHandle('drt_client_connect'),
        reconnect: onHandle('drt_client_reconnect'),
        disconnect: onHandle('drt_client_disconnect'),
        setToken: declareWithText<(client: Handle, token: string) => Status>(
            'drt_client_set_token',
            'int32_t',
            [HANDLE, 'str'],
        ),
        state: onHandle('drt_client_state'),
        stats: declare<(client: Handle, out: Uint8Array) => Status>('drt_client_stats', 'int32_t', [
            HANDLE,
            'void *',
        ]),
        close: declare<(client: Handle, timeoutMs: number) => Status>('drt_client_close', 'int32_t', [
            HANDLE,
            'uint32_t',
        ]),
        fd: declare<(client: Handle) => number>('drt_client_fd', 'int', [HANDLE]),
        drain: declare<
            (client: Handle, timeoutMs: number, most: number, json: Out, length: Out, drained: Out) => Status
        >('drt_client_drain', 'int32_t', [HANDLE, 'int32_t', 'size_t', 'void *', 'void *', 'void *']),

        scopeNew: declare<(client: Handle, out: Out) => Status>('drt_scope_new', 'int32_t', [
            HANDLE,
            'void *',
        ]),
        scopeClose: onHandle('drt_scope_close'),

        subscribe: declare<
            (
                client: Handle,
                scope: Handle,
                options: Sized<SubscriptionFields>,
                fn: Callback,
                data: number,
                release: Callback,
                out: Out,
            ) => Status
        >('drt_subscribe', 'int32_t', [
            HANDLE,
            HANDLE,
            pointer(types.subscriptionOptions),
            'void *',
            USER_DATA,
            types.onRelease,
            'void *',
        ]),
        subscriptionUnsubscribe: onHandle('drt_subscription_unsubscribe'),
        unsubscribeCollection: declareWithText<(client: Handle, collection: string, ended: Out) => Status>(
            'drt_unsubscribe_collection',
            'int32_t',
            [HANDLE, 'str', 'void *'],
        ),
        unsubscribeAll: declare<(client: Handle, ended: Out) => Status>('drt_unsubscribe_all', 'int32_t', [
            HANDLE,
            'void *',
        ]),
        hasSubscription: declareWithText<(client: Handle, uid: string) => boolean>(
            'drt_has_subscription',
            'bool',
            [HANDLE, 'str'],
        ),
        activeSubscriptions: declare<(client: Handle, fn: (info: bigint) => boolean, data: number) => Status>(
            'drt_active_subscriptions',
            'int32_t',
            [HANDLE, types.onVisit, USER_DATA],
        ),

        sendMessage: declareWithText<(client: Handle, json: string) => Status>(
            'drt_send_message',
            'int32_t',
            [HANDLE, 'str'],
        ),
        request: declareWithText<
            (
                client: Handle,
                json: string,
                timeoutMs: number,
                fn: Callback,
                data: number,
                release: Callback,
            ) => Status
        >('drt_request', 'int32_t', [HANDLE, 'str', 'uint32_t', types.onReply, USER_DATA, types.onRelease]),
    };
}

export type Functions = ReturnType<typeof declareFunctions>;
