// Compiled, not run: the types that follow from the schema of an application.
import { expectTypeOf } from 'expect-type';
import {
    createClient,
    type Client,
    type CollectionOf,
    type ItemOf,
    type Items,
    type LiveCollection,
    type LiveUpdate,
    type RealtimeEvent,
    type RealtimeMessage,
    type Subscription,
} from 'directus-realtime';

interface Post {
    id: number;
    title: string;
    author: string | User;
}

interface User {
    id: string;
    nickname: string;
}

interface Settings {
    title: string;
}

interface Schema {
    posts: Post[];
    settings: Settings;
    directus_users: User[];
}

const client = createClient<Schema>('http://localhost:8055');
expectTypeOf(client).toEqualTypeOf<Client<Schema>>();
expectTypeOf(client).toExtend<Client>();
expectTypeOf<ItemOf<Schema, 'posts'>>().toEqualTypeOf<Post>();
expectTypeOf<ItemOf<Schema, 'settings'>>().toEqualTypeOf<Settings>();
expectTypeOf<'posts' | 'directus_files'>().toExtend<CollectionOf<Schema>>();

// A collection has a list of items.
const posts = client.subscribe({ collection: 'posts' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
    if (event.type === 'create') {
        expectTypeOf(event.data.title).toEqualTypeOf<string>();
    } else if (event.type === 'delete') {
        expectTypeOf(event.data).toEqualTypeOf<{ id: number }>();
    }
});
expectTypeOf(posts).toEqualTypeOf<Subscription<Post, Post[]>>();
client.subscribe({ collection: 'posts', granularity: 'message' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeMessage<Post>>();
});
client.subscribe({ collection: 'posts', event: 'create' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post, null>>();
});
client.subscribe({ collection: 'posts', item: 7 }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post, Post | null>>();
});

// A singleton is its own snapshot.
client.subscribe({ collection: 'settings' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Settings, Settings>>();
});

// Collections of Directus itself, in the schema and not.
client.subscribe({ collection: 'directus_users' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<User>>();
});
expectTypeOf(client.items('directus_files')).toEqualTypeOf<Items>();

// @ts-expect-error: there is no such collection
client.subscribe({ collection: 'post' });
// @ts-expect-error: there is no such collection
client.live({ collection: 'post' });
// @ts-expect-error: there is no such collection
client.items('post');

// Items, and live collections.
expectTypeOf(client.items('posts')).toEqualTypeOf<Items<Post>>();
expectTypeOf(await client.items('posts').read(1)).toEqualTypeOf<Post>();
const live = client.live({ collection: 'posts', query: { sort: ['-id'] } }, (update) => {
    expectTypeOf(update).toEqualTypeOf<LiveUpdate<Post>>();
});
expectTypeOf(live).toEqualTypeOf<LiveCollection<Post>>();

// Scopes, and the composable.
using scope = client.scope();
expectTypeOf(scope.subscribe({ collection: 'posts' })).toEqualTypeOf<Subscription<Post, Post[]>>();
expectTypeOf(scope.live({ collection: 'posts' }).rows).toEqualTypeOf<readonly Post[]>();
const { subscribe } = client.useRealtime();
expectTypeOf(subscribe({ collection: 'posts' })).toEqualTypeOf<Subscription<Post, Post[]>>();

// Without a schema the type of an item is said, or is `any`.
const untyped = createClient('http://localhost:8055');
expectTypeOf(untyped.items('anything')).toEqualTypeOf<Items>();
expectTypeOf(untyped.items<Post>('posts')).toEqualTypeOf<Items<Post>>();
expectTypeOf(untyped.live<Post>({ collection: 'posts' })).toEqualTypeOf<LiveCollection<Post>>();
untyped.subscribe<Post>({ collection: 'posts' }, (event) => {
    expectTypeOf(event).toEqualTypeOf<RealtimeEvent<Post>>();
});
