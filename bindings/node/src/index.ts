/** Live updates from a Directus server. */

import './dispose.js';
import { Client } from './client.js';
import type { ClientOptions, ServerUrl } from './options.js';

/**
 * Creates a client. It does not connect before `connect`, `connected`, or the first `subscribe`. `url` is
 * the server's URL (`http://localhost:8055`), or that of its WebSocket; several are replicas, tried in turn.
 * With a schema, as `createDirectus<Schema>()` of `@directus/sdk` takes it, names of collections are checked, and
 * events, items and rows have its types.
 */
export function createClient<Schema = any>(url: ServerUrl, options?: ClientOptions): Client<Schema> {
    return new Client(url, options);
}

export type { Client, ClientEvents } from './client.js';
export type { StateMessage } from './diagnostics.js';
export { DirectusRealtimeError } from './errors.js';
export type { ErrorCode, ServerError } from './errors.js';
export { isChange } from './events.js';
export type {
    ChangeEvent,
    CreateEvent,
    CreateMessage,
    Deleted,
    DeleteEvent,
    DeleteMessage,
    ErrorEvent,
    InitEvent,
    MessageCallback,
    RealtimeEvent,
    RealtimeEventType,
    RealtimeMessage,
    SubscriptionCallback,
    UpdateEvent,
    UpdateMessage,
} from './events.js';
export type { Items, Key, Query } from './items.js';
export type { LiveCollection } from './live/collection.js';
export type { LiveOptions } from './live/options.js';
export type {
    AddedRow,
    LiveCallback,
    LiveChange,
    LiveStatus,
    LiveUpdate,
    ModifiedRow,
    RemovedRow,
    Verification,
} from './live/update.js';
export { setLog } from './log.js';
export type { LogFunction, LogLevel } from './log.js';
export type { ChangeType, ClientOptions, ServerUrl, SubscriptionOptions, TokenProvider } from './options.js';
export type { Realtime } from './realtime.js';
export type { RequestOptions } from './requests.js';
export type { CollectionOf, ItemOf } from './schema.js';
export type { Scope, ScopeOptions } from './scope.js';
export type { ClientState, StateChange } from './state.js';
export type { Stats } from './stats.js';
export type { Subscribe } from './subscribe.js';
export type { Subscription, SubscriptionHandler } from './subscription.js';
export type { WaitOptions } from './waiters.js';
