/** Reads and writes the items of a collection over the client's link. */

import { isKey, keyText, requiredText, type Key } from './checks.js';
import { bindMethods } from './objects.js';
import { plainObject } from './plain-json.js';
import { plainQuery, type Query } from './query.js';
import { unref } from './refs.js';
import { REQUEST_OPTIONS, type RequestOptions } from './requests.js';

export type { Key, Query };

type Send = (message: object, options?: RequestOptions) => Promise<Record<string, unknown>>;

/** One primary key as `id`, or a list of them as `ids`. */
function keysOf(given: Key | readonly Key[]): { id: string } | { ids: string[] } {
    const keys = unref(given);
    return Array.isArray(keys)
        ? { ids: keys.map((each) => keyText('key', unref(each))) }
        : { id: keyText('key', keys) };
}

function checkQuery(query: unknown): Query | undefined {
    return plainQuery(query, { names: REQUEST_OPTIONS, where: '`options`, which come after the query' });
}

export class Items<T = any> {
    readonly collection: string;
    readonly #send: Send;

    /** @internal */
    constructor(send: Send, collection: string) {
        this.collection = requiredText('collection', collection);
        this.#send = send;
        bindMethods(this, Items);
    }

    async #request(action: string, rest: object, options?: RequestOptions): Promise<any> {
        const message = { type: 'items', action, collection: this.collection, ...rest };
        return (await this.#send(message, options))['data'];
    }

    /** Reads one item. */
    read(key: Key, query?: Query, options?: RequestOptions): Promise<T>;
    /** Reads items by their keys. Keys that do not exist are left out. */
    read(keys: readonly Key[], query?: Query, options?: RequestOptions): Promise<T[]>;
    /** Reads the items that match a query. For a singleton, give its type as `Result`. */
    read<Result = T[]>(query?: Query, options?: RequestOptions): Promise<Result>;
    async read(
        given: Key | readonly Key[] | Query = {},
        second?: object,
        third?: RequestOptions,
    ): Promise<unknown> {
        const first = unref(given);
        if (!isKey(first) && !Array.isArray(first) && typeof first === 'object' && first !== null) {
            return this.#request('read', { query: checkQuery(first) }, second);
        }
        const keys = keysOf(first as Key | readonly Key[]);
        return this.#request('read', { ...keys, query: checkQuery(second) }, third);
    }

    /** Creates an item, and returns it as the server has stored it. */
    create(item: Partial<T>, query?: Query, options?: RequestOptions): Promise<T>;
    create(items: readonly Partial<T>[], query?: Query, options?: RequestOptions): Promise<T[]>;
    async create(given: object, query?: Query, options?: RequestOptions): Promise<any> {
        const items = unref(given);
        const data = Array.isArray(items)
            ? items.map((item) => plainObject('item', item))
            : plainObject('item', items);
        return this.#request('create', { data, query: checkQuery(query) }, options);
    }

    /** Updates an item. */
    update(key: Key, changes: Partial<T>, options?: RequestOptions): Promise<T>;
    /** Makes the same changes to several items. */
    update(keys: readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<T[]>;
    async update(given: Key | readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<any> {
        const keys = keysOf(given);
        const data = plainObject('changes', changes);
        return this.#request('update', { ...keys, data }, options);
    }

    /** Updates the item of a singleton. */
    async updateSingleton(changes: Partial<T>, options?: RequestOptions): Promise<T> {
        return this.#request('update', { data: plainObject('changes', changes) }, options);
    }

    /** Deletes one or several items. */
    async delete(given: Key | readonly Key[], options?: RequestOptions): Promise<void> {
        await this.#request('delete', keysOf(given), options);
    }
}
