/**
 * The types of a server's collections: the schema that `createDirectus<Schema>()` of `@directus/sdk` takes, with an
 * array of items for a collection, and an object for a singleton. Without one, every item is `any`.
 */

import type { LiveCollection } from './live/collection.js';
import type { LiveOptions } from './live/options.js';
import type { LiveCallback } from './live/update.js';

/** Whether a type is `any`. */
export type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** The names of the collections. Those of Directus itself need not be in the schema. */
export type CollectionOf<Schema> =
    IsAny<Schema> extends true ? string : Extract<keyof Schema, string> | `directus_${string}`;

/** An item of a collection. */
export type ItemOf<Schema, Collection> = Collection extends keyof Schema
    ? Schema[Collection] extends readonly (infer Item)[]
        ? Item
        : Schema[Collection]
    : any;

/** What a snapshot of a collection is: its items, or the item of a singleton. */
export type SnapshotOf<Schema, Collection> = Collection extends keyof Schema
    ? Schema[Collection] extends readonly (infer Item)[]
        ? Item[]
        : Schema[Collection]
    : any;

/** The type of `live`: that of the rows follows from the collection, or is said. */
export type OpenLive<Schema = any> =
    IsAny<Schema> extends true
        ? <T = any>(options: LiveOptions, callback?: LiveCallback<T>) => LiveCollection<T>
        : <C extends CollectionOf<Schema>>(
              options: LiveOptions & { collection: C },
              callback?: LiveCallback<ItemOf<Schema, C>>,
          ) => LiveCollection<ItemOf<Schema, C>>;
