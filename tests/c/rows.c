/* Everything as rows, and the close that does not block. No server is needed. */
#include "check.h"

#include <pthread.h>
#include <stdint.h>

static drt_client *polled(void) {
    drt_client_options options;
    drt_client *client = NULL;
    CHECK_STATUS(drt_client_options_init(&options, sizeof(options)), DRT_OK);
    CHECK(options.struct_size == sizeof(options) && options.url == NULL);
    options.url = NOWHERE;
    options.access_token = "token";
    options.delivery = DRT_DELIVER_POLL;
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    return client;
}

static void options_init_checks_what_it_is_given(void) {
    drt_subscription_options options;
    memset(&options, 0xA5, sizeof(options));
    CHECK_STATUS(drt_subscription_options_init(&options, sizeof(options)), DRT_OK);
    CHECK(options.struct_size == sizeof(options) && options.collection == NULL);
    CHECK(!options.persistent && options.snapshot == DRT_SNAPSHOT_EXACT);
    CHECK_FAILS(drt_client_options_init(NULL, 8), DRT_ERR_INVALID_ARGUMENT, "options");
    CHECK_FAILS(drt_subscription_options_init(&options, 3), DRT_ERR_INVALID_ARGUMENT, "size");
    CHECK_FAILS(drt_subscription_options_init(&options, 1 << 20), DRT_ERR_INVALID_ARGUMENT, "size");
}

static void thread_delivery_has_no_rows(void) {
    drt_client *client = client_with(DRT_DELIVER_THREAD);
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    size_t count = 7, len = 7;
    const char *json = "";
    posts.collection = "posts";
    CHECK_STATUS(drt_client_next(client, 0, 0, &json, &len, &count), DRT_ERR_INVALID_ARGUMENT);
    CHECK(json == NULL && len == 0 && count == 0);
    count = 7;
    CHECK_STATUS(drt_client_dispatch_control(client, 0, &count), DRT_ERR_INVALID_ARGUMENT);
    CHECK(count == 0);
    CHECK_FAILS(drt_subscribe(client, NULL, &posts, NULL, NULL, NULL, NULL),
                DRT_ERR_INVALID_ARGUMENT, "fn");
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

static bool starts_with(const char *json, size_t len, const char *text) {
    return json != NULL && len >= strlen(text) && memcmp(json, text, strlen(text)) == 0;
}

static void states_and_releases_come_as_rows_and_nothing_is_called(void) {
    _Atomic int released = 0;
    const char *json = NULL;
    size_t len = 0, rows = 0;
    drt_client *client = polled();
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *subscription = NULL;
    posts.collection = "posts";
    posts.uid = "posts";
    CHECK_STATUS(drt_client_next(client, 0, 0, &json, &len, &rows), DRT_OK);
    CHECK(rows == 0 && len == 2 && memcmp(json, "[]", 2) == 0);
    CHECK_STATUS(drt_subscribe(client, NULL, &posts, NULL, &released, count_release, &subscription),
                 DRT_OK);
    CHECK_STATUS(drt_client_next(client, 60000, 1, &json, &len, &rows), DRT_OK);
    /* CONNECTING was first. */
    CHECK(rows == 1 && starts_with(json, len, "[[1,1,0,"));
    CHECK_STATUS(drt_client_disconnect(client), DRT_OK);
    do {
        CHECK_STATUS(drt_client_next(client, 0, 0, &json, &len, &rows), DRT_OK);
    } while (rows > 0);
    CHECK_STATUS(drt_subscription_unsubscribe(subscription), DRT_OK);
    CHECK_STATUS(drt_client_next(client, 60000, 0, &json, &len, &rows), DRT_OK);
    char expected[64];
    int length = snprintf(expected, sizeof(expected), "[[4,%ju]]", (uintmax_t)(uintptr_t)&released);
    CHECK(rows == 1 && len == (size_t)length && starts_with(json, len, expected));
    CHECK(atomic_load(&released) == 0);
    /* What comes after a row, or is released outside of this function, is released as ever. */
    CHECK_FAILS(drt_request(client, "{}", 0, NULL, &released, count_release),
                DRT_ERR_INVALID_ARGUMENT, "type");
    CHECK(atomic_load(&released) == 1);
    CHECK_STATUS(drt_subscribe(client, NULL, &posts, NULL, &released, count_release, NULL), DRT_OK);
    CHECK_STATUS(drt_subscribe(client, NULL, &posts, NULL, &released, count_release, NULL),
                 DRT_DUPLICATE);
    CHECK(atomic_load(&released) == 2);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(atomic_load(&released) == 3);
    CHECK_STATUS(drt_client_next(client, 0, 0, &json, &len, &rows), DRT_ERR_INVALID_HANDLE);
}

static void rows_with_an_index_fill_the_callers_entries(void) {
    _Atomic int released = 0;
    const char *text = "";
    size_t len = 7, rows = 7;
    /* Of a later header, whose entries are larger. */
    struct {
        drt_row_entry entry;
        uint64_t later;
    } entries[4];
    drt_client *client = polled();
    const size_t size = sizeof(entries[0]);
    drt_row_entry *first = &entries[0].entry;
    memset(entries, 0xA5, sizeof(entries));
    CHECK_STATUS(drt_client_next_indexed(client, 0, 4, first, size, &text, &len, &rows), DRT_OK);
    CHECK(text != NULL && len == 0 && rows == 0 && first->row == 0xA5A5A5A5);
    CHECK_FAILS(drt_client_next_indexed(client, 0, 4, NULL, size, &text, &len, &rows),
                DRT_ERR_INVALID_ARGUMENT, "entries");
    CHECK_FAILS(drt_client_next_indexed(client, 0, 0, first, size, &text, &len, &rows),
                DRT_ERR_INVALID_ARGUMENT, "max_rows");
    CHECK_FAILS(drt_client_next_indexed(client, 0, 4, first, 4, &text, &len, &rows),
                DRT_ERR_INVALID_ARGUMENT, "entry_size");
    CHECK_FAILS(drt_client_next_indexed(client, 0, 4, first, size, NULL, &len, &rows),
                DRT_ERR_INVALID_ARGUMENT, "text");
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *subscription = NULL;
    posts.collection = "posts";
    CHECK_STATUS(drt_subscribe(client, NULL, &posts, NULL, &released, count_release, &subscription),
                 DRT_OK);
    CHECK_STATUS(drt_client_next_indexed(client, 60000, 1, first, size, &text, &len, &rows),
                 DRT_OK);
    CHECK(rows == 1 && first->row == 1 && first->user_data == 0 && first->begin == 0);
    CHECK(first->end == len && first->data_end == len && entries[0].later == 0);
    CHECK(starts_with(text, len, "[1,1,0,\"") && text[len - 1] == ']');
    CHECK(entries[1].entry.row == 0xA5A5A5A5);
    CHECK_STATUS(drt_client_disconnect(client), DRT_OK);
    CHECK_STATUS(drt_subscription_unsubscribe(subscription), DRT_OK);
    do {
        CHECK_STATUS(drt_client_next_indexed(client, 60000, 1, first, 8, &text, &len, &rows),
                     DRT_OK);
    } while (!starts_with(text, len, "[4,"));
    /* Of no more room than for the first member. */
    CHECK(first->user_data == (uintptr_t)&released);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(atomic_load(&released) == 0);
}

static bool visit(const drt_subscription_info *info, void *user_data) {
    CHECK(strcmp(info->uid, "one") == 0 && info->uid_len == 3);
    CHECK(strcmp(info->collection, "posts") == 0 && !info->persistent);
    CHECK(info->status == DRT_SUB_PENDING && info->last_sequence == 0);
    ++*(int *)user_data;
    return true;
}

static void one_subscription_is_visited(void) {
    int visited = 0;
    drt_client *client = client_with(DRT_DELIVER_THREAD);
    drt_subscription *one = subscribe(client, NULL, "one");
    subscribe(client, NULL, "two");
    CHECK_STATUS(drt_subscription_visit(one, visit, &visited), DRT_OK);
    CHECK(visited == 1);
    CHECK_FAILS(drt_subscription_visit(one, NULL, NULL), DRT_ERR_INVALID_ARGUMENT, "fn");
    CHECK_STATUS(drt_subscription_resync(one), DRT_OK);
    CHECK_STATUS(drt_subscription_unsubscribe(one), DRT_OK);
    CHECK_STATUS(drt_subscription_visit(one, visit, &visited), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_subscription_resync(one), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_subscription_resync(NULL), DRT_ERR_INVALID_HANDLE);
    CHECK(visited == 1);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

struct ending {
    drt_client *client;
    drt_subscription *subscription;
    _Atomic int called, closed, released;
    _Atomic bool may_return;
};

static void on_closed(drt_status status, void *user_data) {
    struct ending *ending = user_data;
    CHECK(status == DRT_OK);
    /* The last callback has returned. */
    CHECK(atomic_load(&ending->may_return));
    CHECK_STATUS(drt_client_close(ending->client, 0), DRT_ERR_WOULD_DEADLOCK);
    atomic_fetch_add(&ending->closed, 1);
}

static void on_release(void *user_data) {
    atomic_fetch_add(&((struct ending *)user_data)->released, 1);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)reason, (void)message;
    struct ending *ending = user_data;
    if (state != DRT_STATE_CONNECTING || atomic_fetch_add(&ending->called, 1) > 0) {
        return;
    }
    CHECK_STATUS(drt_client_close(client, 0), DRT_ERR_WOULD_DEADLOCK);
    CHECK_STATUS(drt_client_close_begin(client, on_closed, ending, on_release), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_subscription_unsubscribe(ending->subscription), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_client_close_begin(client, on_closed, NULL, NULL), DRT_ERR_INVALID_HANDLE);
    nap_ms(200);
    CHECK(atomic_load(&ending->closed) == 0);
    atomic_store(&ending->may_return, true);
}

static void a_client_is_closed_inside_its_own_callback(drt_delivery delivery) {
    struct ending ending = {0};
    ending.client = client_with(delivery);
    CHECK_STATUS(drt_client_on_state(ending.client, on_state, &ending, on_release), DRT_OK);
    ending.subscription = subscribe(ending.client, NULL, "posts");
    if (delivery == DRT_DELIVER_POLL) {
        drt_client_dispatch(ending.client, 60000, 0, NULL);
    }
    EVENTUALLY(atomic_load(&ending.called) > 0);
    /* Waits for the end of what the callback has begun; it may have ended already. */
    drt_status waited = drt_client_close(ending.client, 60000);
    CHECK(waited == DRT_OK || waited == DRT_ERR_INVALID_HANDLE);
    CHECK(waited != DRT_OK || atomic_load(&ending.closed) == 1);
    EVENTUALLY(atomic_load(&ending.closed) == 1 && atomic_load(&ending.released) == 2);
    EVENTUALLY(drt_client_close(ending.client, 60000) == DRT_ERR_INVALID_HANDLE);
}

static void closing_without_a_function_needs_none(void) {
    drt_client *client = client_with(DRT_DELIVER_THREAD);
    CHECK_STATUS(drt_client_close_begin(client, NULL, NULL, NULL), DRT_OK);
    CHECK(drt_client_state(client) == DRT_STATE_CLOSED);
    drt_status waited = drt_client_close(client, 60000);
    CHECK(waited == DRT_OK || waited == DRT_ERR_INVALID_HANDLE);
    EVENTUALLY(drt_client_close(client, 60000) == DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_client_close_begin(NULL, NULL, NULL, NULL), DRT_ERR_INVALID_HANDLE);
}

/* A thread's destructor of its own data runs at the very end of the thread. */
static pthread_key_t at_thread_end;

static void end_of_thread(void *user_data) {
    nap_ms(200);
    atomic_store((_Atomic bool *)user_data, true);
}

static void on_closed_last(drt_status status, void *user_data) {
    CHECK(status == DRT_OK);
    CHECK(pthread_setspecific(at_thread_end, user_data) == 0);
}

static void a_close_that_waits_leaves_no_thread(void) {
    _Atomic bool ended = false;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK(pthread_key_create(&at_thread_end, end_of_thread) == 0);
    CHECK_STATUS(drt_client_close_begin(client, on_closed_last, &ended, NULL), DRT_OK);
    drt_status waited = drt_client_close(client, 60000);
    CHECK(waited == DRT_OK || waited == DRT_ERR_INVALID_HANDLE);
    /* Where it had ended before there was nothing to wait for. */
    CHECK(waited != DRT_OK || atomic_load(&ended));
    EVENTUALLY(atomic_load(&ended));
    CHECK(pthread_key_delete(at_thread_end) == 0);
}

struct race {
    drt_client *client;
    _Atomic bool is_ready, may_begin, closed;
    drt_status begun;
};

static void on_closed_in_race(drt_status status, void *user_data) {
    CHECK(status == DRT_OK);
    atomic_store(&((struct race *)user_data)->closed, true);
}

static void *begin_to_close(void *user_data) {
    struct race *race = user_data;
    atomic_store(&race->is_ready, true);
    while (!atomic_load(&race->may_begin)) {
    }
    race->begun = drt_client_close_begin(race->client, on_closed_in_race, race, NULL);
    return NULL;
}

static void a_close_waits_for_one_that_begins_at_the_same_time(void) {
    for (int round = 0; round < 400; round++) {
        struct race race = {.client = client_with(DRT_DELIVER_POLL)};
        pthread_t other;
        CHECK(pthread_create(&other, NULL, begin_to_close, &race) == 0);
        while (!atomic_load(&race.is_ready)) {
        }
        atomic_store(&race.may_begin, true);
        for (volatile int spin = 0; spin < round; spin++) {
        }
        drt_status closed = drt_client_close(race.client, 60000);
        bool is_over = atomic_load(&race.closed);
        pthread_join(other, NULL);
        /* Either this one has closed it, or the other one has, and it is over. */
        CHECK(race.begun == DRT_OK ? is_over : closed == DRT_OK);
        EVENTUALLY(race.begun != DRT_OK || atomic_load(&race.closed));
    }
}

struct reader {
    drt_client *client;
    _Atomic bool has_taken, is_closed;
};

static void *read_after_the_close(void *user_data) {
    struct reader *reader = user_data;
    const char *json = NULL;
    size_t len = 0, rows = 0;
    CHECK_STATUS(drt_client_next(reader->client, 60000, 1, &json, &len, &rows), DRT_OK);
    atomic_store(&reader->has_taken, true);
    EVENTUALLY(atomic_load(&reader->is_closed));
    CHECK(rows == 1 && starts_with(json, len, "[[1,1,0,\"connecting to "));
    CHECK(json[len - 1] == ']');
    CHECK_STATUS(drt_client_next(reader->client, 0, 1, &json, &len, &rows), DRT_ERR_INVALID_HANDLE);
    return NULL;
}

static void an_array_outlives_a_close_by_another_thread(void) {
    struct reader reader = {.client = polled()};
    pthread_t thread;
    CHECK_STATUS(drt_client_connect(reader.client), DRT_OK);
    CHECK(pthread_create(&thread, NULL, read_after_the_close, &reader) == 0);
    EVENTUALLY(atomic_load(&reader.has_taken));
    CHECK_STATUS(drt_client_close(reader.client, 60000), DRT_OK);
    atomic_store(&reader.is_closed, true);
    pthread_join(thread, NULL);
}

int main(void) {
    options_init_checks_what_it_is_given();
    thread_delivery_has_no_rows();
    states_and_releases_come_as_rows_and_nothing_is_called();
    rows_with_an_index_fill_the_callers_entries();
    one_subscription_is_visited();
    a_client_is_closed_inside_its_own_callback(DRT_DELIVER_THREAD);
    a_client_is_closed_inside_its_own_callback(DRT_DELIVER_POLL);
    closing_without_a_function_needs_none();
    a_close_that_waits_leaves_no_thread();
    a_close_waits_for_one_that_begins_at_the_same_time();
    an_array_outlives_a_close_by_another_thread();
    return check_result();
}
