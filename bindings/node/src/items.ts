/** Reading and writing the items of a collection over the client's link. */

import { isKey, keyText, record, requiredText, type Key } from './checks.js';
import { bindMethods } from './objects.js';
import { plainJson } from './plain-json.js';
import { plainQuery, type Query } from './query.js';
import { unref } from './refs.js';
import { REQUEST_OPTIONS, type RequestOptions } from './requests.js';

export type { Key, Query };

type Send = (message: object, options?: RequestOptions) => Promise<Record<string, unknown>>;

/** The keys that were meant, one or several. */
function keysOf(given: Key | readonly Key[]): { id: string } | { ids: string[] } {
    const what = unref(given);
    return Array.isArray(what)
        ? { ids: what.map((each) => keyText('key', unref(each))) }
        : { id: keyText('key', what) };
}

function checkQuery(query: unknown): Query | undefined {
    return plainQuery(query, { names: REQUEST_OPTIONS, where: '`options`, which come after the query' });
}

/** An item, or what changes in one. */
function checkItem(name: string, given: unknown): object {
    const item = record(name, unref(given) as object);
    return record(name, plainJson(name, item) as object);
}

export class Items<T = any> {
    readonly collection: string;
    readonly #send: Send;

    /** @internal */
    constructor(send: Send, collection: string) {
        this.collection = requiredText('collection', collection);
        this.#send = send;
        bindMethods(this, ['read', 'create', 'update', 'updateSingleton', 'delete']);
    }

    async #ask(action: string, rest: object, options?: RequestOptions): Promise<any> {
        const message = { type: 'items', action, collection: this.collection, ...rest };
        return (await this.#send(message, options))['data'];
    }

    /** One item. */
    read(key: Key, query?: Query, options?: RequestOptions): Promise<T>;
    /** Some items by their keys; those that are not there are left out. */
    read(keys: readonly Key[], query?: Query, options?: RequestOptions): Promise<T[]>;
    /** The items that a query finds; `Result` is for a singleton. */
    read<Result = T[]>(query?: Query, options?: RequestOptions): Promise<Result>;
    async read(
        given: Key | readonly Key[] | Query = {},
        second?: object,
        third?: RequestOptions,
    ): Promise<unknown> {
        const what = unref(given);
        if (!isKey(what) && !Array.isArray(what) && typeof what === 'object' && what !== null) {
            return this.#ask('read', { query: checkQuery(what) }, second);
        }
        const keys = keysOf(what as Key | readonly Key[]);
        // To the server, no keys are all of them.
        const none = 'ids' in keys && keys.ids.length === 0;
        return none ? [] : this.#ask('read', { ...keys, query: checkQuery(second) }, third);
    }

    /** Makes an item, and returns it as it is then. */
    create(item: Partial<T>, query?: Query, options?: RequestOptions): Promise<T>;
    create(items: readonly Partial<T>[], query?: Query, options?: RequestOptions): Promise<T[]>;
    async create(given: object, query?: Query, options?: RequestOptions): Promise<any> {
        const items = unref(given);
        const data = Array.isArray(items)
            ? items.map((item) => checkItem('item', item))
            : checkItem('item', items);
        return this.#ask('create', { data, query: checkQuery(query) }, options);
    }

    /** Changes an item. */
    update(key: Key, changes: Partial<T>, options?: RequestOptions): Promise<T>;
    /** Changes some items alike. */
    update(keys: readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<T[]>;
    async update(what: Key | readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<any> {
        const keys = keysOf(what);
        const data = checkItem('changes', changes);
        const none = 'ids' in keys && keys.ids.length === 0;
        return none ? [] : this.#ask('update', { ...keys, data }, options);
    }

    /** Changes a singleton's item. */
    async updateSingleton(changes: Partial<T>, options?: RequestOptions): Promise<T> {
        return this.#ask('update', { data: checkItem('changes', changes) }, options);
    }

    /** Deletes an item, or some. */
    async delete(what: Key | readonly Key[], options?: RequestOptions): Promise<void> {
        const keys = keysOf(what);
        if (!('ids' in keys && keys.ids.length === 0)) {
            await this.#ask('delete', keys, options);
        }
    }
}
