// Compiled, not run: the types of live collections.
import { expectTypeOf } from 'expect-type';
import {
    createClient,
    type LiveCallback,
    type LiveChange,
    type LiveCollection,
    type LiveOptions,
    type LiveStatus,
    type LiveUpdate,
    type ServerError,
    type Subscription,
    type SubscriptionHandler,
    type Verification,
} from 'directus-realtime';

interface Post {
    id: number;
    title: string;
}

const client = createClient('http://localhost:8055');
const options = {
    collection: 'posts',
    query: { sort: ['-id'], limit: 20 },
    dependsOn: ['authors'],
    verifyMs: Infinity,
} as const;
const posts = client.live<Post>(options, (update) => {
    expectTypeOf(update).toEqualTypeOf<LiveUpdate<Post>>();
    for (const change of update.changes) {
        expectTypeOf(change).toEqualTypeOf<LiveChange<Post>>();
        expectTypeOf(change.row.title).toEqualTypeOf<string>();
        if (change.kind === 'added') {
            expectTypeOf(change.oldIndex).toEqualTypeOf<undefined>();
            expectTypeOf(change.newIndex).toEqualTypeOf<number>();
        } else {
            expectTypeOf(change.oldIndex).toEqualTypeOf<number>();
        }
    }
});
expectTypeOf(posts).toEqualTypeOf<LiveCollection<Post>>();
expectTypeOf(posts.rows).toEqualTypeOf<readonly Post[]>();
expectTypeOf(posts.get(5n)).toEqualTypeOf<Post | undefined>();
expectTypeOf(posts.status).toEqualTypeOf<LiveStatus>();
expectTypeOf<LiveStatus>().toEqualTypeOf<'loading' | 'current' | 'stale' | 'ended'>();
expectTypeOf(posts.error).toEqualTypeOf<ServerError | undefined>();
expectTypeOf(await posts.ready({ timeoutMs: 5000 })).toEqualTypeOf<LiveCollection<Post>>();
expectTypeOf(await posts.verify()).toEqualTypeOf<Verification>();
for await (const update of posts) {
    expectTypeOf(update).toEqualTypeOf<LiveUpdate<Post>>();
}
expectTypeOf(posts).toExtend<SubscriptionHandler>();
expectTypeOf(client.live({ collection: 'posts' }).rows[0]).toBeAny();
// @ts-expect-error: the rows are the server's
posts.rows.push({ id: 1, title: '' });
// @ts-expect-error: a collection is required
client.live({});
// @ts-expect-error: events are of subscriptions
client.live({ collection: 'posts', event: 'create' });

{
    using scope = client.scope();
    using live = scope.live<Post>({ collection: 'posts', signal: new AbortController().signal });
    expectTypeOf(live).toEqualTypeOf<LiveCollection<Post>>();
}
const { live, getActiveSubscriptions } = client.useRealtime();
expectTypeOf(live<Post>({ collection: 'posts' })).toEqualTypeOf<LiveCollection<Post>>();
expectTypeOf(getActiveSubscriptions()).toEqualTypeOf<(Subscription<any, any> | LiveCollection<any>)[]>();
expectTypeOf<Parameters<typeof client.live>[0]>().toEqualTypeOf<LiveOptions>();
const callback: LiveCallback<Post> = ({ count }) => count;
live<Post>({ collection: 'posts' }, callback);
