/** Live collections in the C ABI, and their updates as rows. */

import { pointer, sizeof, struct, type KoffiFunc, type LibraryHandle } from 'koffi';
import { DUPLICATE, HANDLE, textsOf, type Fields, type Handle } from './types.js';

const LIVE_OPTIONS = {
    struct_size: 'size_t',
    collection: 'str',
    query: 'str',
    uid: 'str',
    persistent: 'bool',
    primary_key: 'str',
    depends_on: 'str',
    verify_ms: 'uint32_t',
};

export type LiveFields = Fields<typeof LIVE_OPTIONS>;

const TEXTS = textsOf(LIVE_OPTIONS);

/** A row's first element. */
export const UPDATE = 5;

/** `null` stands for an index that there is none of. */
export type ChangeRow = [
    kind: number,
    key: string | number,
    oldIndex: number | null,
    newIndex: number | null,
    data: unknown,
];

/** `id` is the number that the live collection was opened with. */
export type UpdateRow = [
    type: typeof UPDATE,
    id: number,
    flags: number,
    sequence: number,
    status: number,
    revision: number,
    changes: ChangeRow[],
    error: Record<string, unknown> | null,
];

/** What this needs of the rest. */
interface Context {
    /** Throws the error of a negative status. */
    check(status: number): number;
    guardTexts(fields: object, texts: readonly string[]): void;
}

/** Declares the functions of live collections. Everything comes as rows, with the ids that are given. */
export function declareLive(library: LibraryHandle, { check, guardTexts }: Context) {
    const options = struct(LIVE_OPTIONS);
    const registration = ['void *', 'uintptr_t', 'void *'] as const;
    const open = library.func('drt_live_open', 'int32_t', [
        ...([HANDLE, HANDLE, pointer(options), ...registration, 'void *'] as const),
    ]);
    const verify = library.func('drt_live_verify', 'int32_t', [HANDLE, 'uint32_t', ...registration]);
    const close = library.func('drt_live_close', 'int32_t', [HANDLE]) as KoffiFunc<(live: Handle) => number>;
    const out = new BigUint64Array(1);
    return {
        /** The handle, or `undefined` when another live collection has its uid. */
        openLive(client: Handle, fields: LiveFields, id: number): Handle | undefined {
            guardTexts(fields, TEXTS);
            const given = { ...fields, struct_size: sizeof(options) };
            const status = check(open(client, 0n, given, null, id, null, out));
            return status === DUPLICATE ? undefined : out[0]!;
        },

        /** The reply comes with that id. */
        verifyLive(live: Handle, timeoutMs: number, id: number): void {
            check(verify(live, timeoutMs, null, id, null));
        },

        /** Does nothing where it is closed already. */
        closeLive(live: Handle): void {
            close(live);
        },
    };
}
