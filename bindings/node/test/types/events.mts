// Compiled, not run: the types of clients, subscriptions and events.
import { expectTypeOf } from 'expect-type';
import {
    createClient,
    DirectusRealtimeError,
    isChange,
    type ChangeEvent,
    type ChangeType,
    type Client,
    type ErrorCode,
    type InitEvent,
    type RealtimeEvent,
    type RealtimeMessage,
    type Stats,
    type StateChange,
    type Subscription,
    type SubscriptionHandler,
    type SubscriptionOptions,
} from 'directus-realtime';

interface Post {
    id: string;
    title: string;
    content: string;
    date_updated: string;
}

const client = createClient('http://localhost:8055', { accessToken: '…' });
expectTypeOf(client).toEqualTypeOf<Client>();
expectTypeOf(createClient).parameter(0).toEqualTypeOf<string | URL | readonly (string | URL)[]>();
expectTypeOf(createClient([new URL('http://a'), 'http://b'])).toEqualTypeOf<Client>();
// @ts-expect-error: there is no such mode
createClient('http://localhost:8055', { authMode: 'secret' });
// @ts-expect-error: a URL is required
createClient();

// Events by their type.
client.subscribe<Post>({ collection: 'posts' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
    if (event.type === 'init') {
        expectTypeOf(event.data).toEqualTypeOf<Post[]>();
        expectTypeOf(event.resync).toEqualTypeOf<boolean>();
    } else if (event.type === 'create' || event.type === 'update') {
        expectTypeOf(event.data).toEqualTypeOf<Post>();
    } else if (event.type === 'delete') {
        expectTypeOf(event.data).toEqualTypeOf<{ id: string }>();
    } else {
        expectTypeOf(event.type).toEqualTypeOf<'error'>();
        expectTypeOf(event.data.code).toEqualTypeOf<string>();
        expectTypeOf(event.ended).toEqualTypeOf<boolean>();
    }
});

// The type of the snapshot follows from the options.
client.subscribe<Post>({ collection: 'posts', item: 'x' }, (event) => {
    if (event.type === 'init') {
        expectTypeOf(event.data).toEqualTypeOf<Post | null>();
    }
});
client.subscribe<Post>({ collection: 'posts', event: 'create' }, (event) => {
    if (event.type === 'init') {
        expectTypeOf(event.data).toEqualTypeOf<null>();
    }
});
client.subscribe<Post>({ collection: 'posts', event: 'create' }, (event) => {
    // @ts-expect-error: there is no snapshot
    void event.data.id;
    if (isChange(event)) {
        expectTypeOf(event).toEqualTypeOf<ChangeEvent<Post>>();
        expectTypeOf(event.data.id).toEqualTypeOf<string>();
    }
});
client.subscribe<Post>({ collection: 'posts', granularity: 'message' }, (event) => {
    if (isChange(event) && event.type !== 'delete') {
        expectTypeOf(event.data).toEqualTypeOf<Post[]>();
    }
});
client.subscribe({ collection: 'posts' }, (event: any) => isChange(event) && event.data.anything);
client.subscribe<Post, Post>({ collection: 'settings' }, (event) => {
    if (event.type === 'init') {
        expectTypeOf(event).toEqualTypeOf<InitEvent<Post>>();
    }
});
declare const kinds: ChangeType[];
client.subscribe<Post>({ collection: 'posts', event: kinds }, (event) => {
    if (event.type === 'init') {
        expectTypeOf(event.data).toEqualTypeOf<Post[] | null>();
    }
});
const two = client.subscribe<Post>({ collection: 'posts', event: ['create', 'delete'] });
expectTypeOf(two).toEqualTypeOf<Subscription<Post, null>>();
const three = client.subscribe<Post>({ collection: 'posts', event: ['create', 'update', 'delete'] });
expectTypeOf(three).toEqualTypeOf<Subscription<Post, Post[] | null>>();

// Events per message.
const messages = client.subscribe<Post>({ collection: 'posts', granularity: 'message' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeMessage<Post>>();
    if (event.type === 'create' || event.type === 'update') {
        expectTypeOf(event.data).toEqualTypeOf<Post[]>();
    } else if (event.type === 'delete') {
        expectTypeOf(event.data).toEqualTypeOf<(string | number)[]>();
    } else if (event.type === 'init') {
        expectTypeOf(event.data).toEqualTypeOf<Post[]>();
    }
});
for await (const event of messages) {
    expectTypeOf(event).toEqualTypeOf<RealtimeMessage<Post>>();
}
client.subscribe<Post>({ collection: 'posts', granularity: 'message', event: 'create' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeMessage<Post, null>>();
});
client.subscribe<Post>({ collection: 'posts', granularity: 'message', item: 1 }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeMessage<Post, Post | null>>();
});
client.subscribe<Post>({ collection: 'posts', granularity: 'item' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
});
// @ts-expect-error: a collection is required
client.subscribe({ uid: 'posts' }, () => {});
// @ts-expect-error: there is no such change
client.subscribe({ collection: 'posts', event: 'wipe' }, () => {});

// The data of a delete is the key.
interface Code {
    code: string;
    label: string;
}
client.subscribe<Code>({ collection: 'codes', primaryKey: 'code' }, (event) => {
    if (event.type === 'delete') {
        expectTypeOf(event.data).toEqualTypeOf<Partial<Code>>();
    }
});

// Without a type, data is `any`, as in the composable's examples.
client.subscribe({ collection: 'posts' }, (event: any) => event.data.anything);
client.subscribe({ collection: 'posts' }, async (event) => event.type === 'create' && event.data.anything);

// The composable's types.
const realtime = client.useRealtime();
const { isConnected, subscribe, unsubscribe, getActiveSubscriptions, reconnect } = realtime;
expectTypeOf(isConnected.value).toEqualTypeOf<boolean>();
// @ts-expect-error: it is read-only
isConnected.value = true;
const options: SubscriptionOptions = { collection: 'posts', query: {}, uid: 'posts', persistent: true };
const handler: SubscriptionHandler = subscribe(options, () => {});
expectTypeOf(handler.unsubscribe).toEqualTypeOf<() => void>();
expectTypeOf(subscribe<Post>({ collection: 'posts' })).toEqualTypeOf<Subscription<Post, Post[]>>();
expectTypeOf(unsubscribe('posts')).toEqualTypeOf<boolean>();
expectTypeOf(getActiveSubscriptions()[0]!.uid).toEqualTypeOf<string>();
setTimeout(reconnect, 5000);

// The client's own methods work when destructured, too.
const { request, hasSubscription } = client;
expectTypeOf(hasSubscription('x')).toEqualTypeOf<boolean>();
expectTypeOf(request({ type: 'ping' })).toEqualTypeOf<Promise<Record<string, any>>>();

// Iteration, waiting, lifetimes.
for await (const event of client.subscribe<Post>({ collection: 'posts' })) {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
}
expectTypeOf(client.connected({ timeoutMs: 1000 })).toEqualTypeOf<Promise<void>>();
{
    using scope = client.scope({ signal: new AbortController().signal });
    expectTypeOf(await scope.subscribe<Post>({ collection: 'posts' }).ready()).toEqualTypeOf<
        Subscription<Post, Post[]>
    >();
    await using other = createClient('http://localhost:8055');
    expectTypeOf(other).toEqualTypeOf<Client>();
}

// Items.
const posts = client.items<Post>('posts');
expectTypeOf(await posts.read()).toEqualTypeOf<Post[]>();
expectTypeOf(await posts.read({ limit: 1 })).toEqualTypeOf<Post[]>();
expectTypeOf(await posts.read(1)).toEqualTypeOf<Post>();
expectTypeOf(await posts.read(['a', 'b'])).toEqualTypeOf<Post[]>();
expectTypeOf(await posts.read<Post>()).toEqualTypeOf<Post>();
expectTypeOf(await posts.create({ title: 'x' })).toEqualTypeOf<Post>();
expectTypeOf(await posts.create([{ title: 'x' }])).toEqualTypeOf<Post[]>();
expectTypeOf(await posts.update('x', { title: 'y' })).toEqualTypeOf<Post>();
expectTypeOf(await posts.update(['x'], { title: 'y' })).toEqualTypeOf<Post[]>();
expectTypeOf(await posts.delete('x')).toEqualTypeOf<void>();
// @ts-expect-error: there is no such field
await posts.create({ headline: 'x' });
expectTypeOf(await client.request<{ type: 'pong' }>({ type: 'ping' })).toEqualTypeOf<{ type: 'pong' }>();

// Events of the client, errors, counters.
client.on('state', (change) => expectTypeOf(change).toEqualTypeOf<StateChange>());
client.once('connected', (change) => expectTypeOf(change.state).not.toBeAny());
// @ts-expect-error: there is no such event
client.on('message', () => {});
expectTypeOf<DirectusRealtimeError['code']>().toEqualTypeOf<ErrorCode>();
expectTypeOf(client.stats()).toEqualTypeOf<Stats>();
expectTypeOf(client.stats().queuedBytes).toEqualTypeOf<number>();
