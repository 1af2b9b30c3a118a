/** The type of `subscribe`: the types of events follow from the options. */

import type { MessageCallback, RealtimeMessage, SubscriptionCallback } from './events.js';
import type { ChangeType, SubscriptionOptions } from './options.js';
import type { CollectionOf, IsAny, ItemOf, SnapshotOf } from './schema.js';
import type { Subscription } from './subscription.js';

type With<More> = SubscriptionOptions & More;
type PerMessage<More = {}> = With<{ granularity: 'message' } & More>;
/** Some of the changes, but not all. */
type SomeChanges = { event: ChangeType | readonly [ChangeType] | readonly [ChangeType, ChangeType] };
/** Perhaps all of the changes. */
type AnyChanges = { event: readonly ChangeType[] };
type OneItem = { item: {} };

/** The type of `subscribe`. With a schema, that of the items follows from the collection; without one, it is said. */
export type Subscribe<Schema = any> = IsAny<Schema> extends true ? SubscribeToAny : SubscribeBySchema<Schema>;

export interface SubscribeToAny {
    /** Only some changes: `init` comes without a snapshot. */
    <T = any>(
        options: PerMessage<SomeChanges>,
        callback?: MessageCallback<T, null>,
    ): Subscription<T, null, RealtimeMessage<T, null>>;
    <T = any>(options: With<SomeChanges>, callback?: SubscriptionCallback<T, null>): Subscription<T, null>;
    /** A list of changes that the compiler does not know: a snapshot comes with all three of them. */
    <T = any, Init = T[] | null>(
        options: PerMessage<AnyChanges>,
        callback?: MessageCallback<T, Init>,
    ): Subscription<T, Init, RealtimeMessage<T, Init>>;
    <T = any, Init = T[] | null>(
        options: With<AnyChanges>,
        callback?: SubscriptionCallback<T, Init>,
    ): Subscription<T, Init>;
    /** One item: the snapshot is that item. */
    <T = any>(
        options: PerMessage<OneItem>,
        callback?: MessageCallback<T, T | null>,
    ): Subscription<T, T | null, RealtimeMessage<T, T | null>>;
    <T = any>(
        options: With<OneItem>,
        callback?: SubscriptionCallback<T, T | null>,
    ): Subscription<T, T | null>;
    /** A collection: the snapshot is an array, or, for a singleton, what `Init` says. */
    <T = any, Init = T[]>(
        options: PerMessage,
        callback?: MessageCallback<T, Init>,
    ): Subscription<T, Init, RealtimeMessage<T, Init>>;
    <T = any, Init = T[]>(
        options: SubscriptionOptions,
        callback?: SubscriptionCallback<T, Init>,
    ): Subscription<T, Init>;
}

type Of<C> = { collection: C };

/** The same, where the collection says what its items are. */
export interface SubscribeBySchema<Schema> {
    <C extends CollectionOf<Schema>>(
        options: PerMessage<Of<C> & SomeChanges>,
        callback?: MessageCallback<ItemOf<Schema, C>, null>,
    ): Subscription<ItemOf<Schema, C>, null, RealtimeMessage<ItemOf<Schema, C>, null>>;
    <C extends CollectionOf<Schema>>(
        options: With<Of<C> & SomeChanges>,
        callback?: SubscriptionCallback<ItemOf<Schema, C>, null>,
    ): Subscription<ItemOf<Schema, C>, null>;
    <C extends CollectionOf<Schema>>(
        options: PerMessage<Of<C> & AnyChanges>,
        callback?: MessageCallback<ItemOf<Schema, C>, SnapshotOf<Schema, C> | null>,
    ): Subscription<
        ItemOf<Schema, C>,
        SnapshotOf<Schema, C> | null,
        RealtimeMessage<ItemOf<Schema, C>, SnapshotOf<Schema, C> | null>
    >;
    <C extends CollectionOf<Schema>>(
        options: With<Of<C> & AnyChanges>,
        callback?: SubscriptionCallback<ItemOf<Schema, C>, SnapshotOf<Schema, C> | null>,
    ): Subscription<ItemOf<Schema, C>, SnapshotOf<Schema, C> | null>;
    <C extends CollectionOf<Schema>>(
        options: PerMessage<Of<C> & OneItem>,
        callback?: MessageCallback<ItemOf<Schema, C>, ItemOf<Schema, C> | null>,
    ): Subscription<
        ItemOf<Schema, C>,
        ItemOf<Schema, C> | null,
        RealtimeMessage<ItemOf<Schema, C>, ItemOf<Schema, C> | null>
    >;
    <C extends CollectionOf<Schema>>(
        options: With<Of<C> & OneItem>,
        callback?: SubscriptionCallback<ItemOf<Schema, C>, ItemOf<Schema, C> | null>,
    ): Subscription<ItemOf<Schema, C>, ItemOf<Schema, C> | null>;
    <C extends CollectionOf<Schema>>(
        options: PerMessage<Of<C>>,
        callback?: MessageCallback<ItemOf<Schema, C>, SnapshotOf<Schema, C>>,
    ): Subscription<
        ItemOf<Schema, C>,
        SnapshotOf<Schema, C>,
        RealtimeMessage<ItemOf<Schema, C>, SnapshotOf<Schema, C>>
    >;
    <C extends CollectionOf<Schema>>(
        options: With<Of<C>>,
        callback?: SubscriptionCallback<ItemOf<Schema, C>, SnapshotOf<Schema, C>>,
    ): Subscription<ItemOf<Schema, C>, SnapshotOf<Schema, C>>;
}
