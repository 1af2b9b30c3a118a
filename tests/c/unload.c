/* All clients share one thread for their sockets. After the last one is closed no thread of
   the library is left, so that the library can be unloaded and loaded again.
   Arguments: the library, a server's URL, a token for it. */
#define _GNU_SOURCE
#include "check.h"
#include "tasks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 30, ROUNDS = 3 };

static const char *library, *url, *token;

/* The functions that this program uses. */
static struct {
    void *handle;
    __typeof__(&drt_client_new) client_new;
    __typeof__(&drt_subscribe) subscribe;
    __typeof__(&drt_subscription_wait) subscription_wait;
    __typeof__(&drt_client_close) client_close;
    __typeof__(&drt_client_connect) client_connect;
    __typeof__(&drt_last_error) last_error;
} lib;

#define LOAD(name) (*(void **)&lib.name = dlsym(lib.handle, "drt_" #name))

static void load(void) {
    lib.handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (lib.handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    CHECK(LOAD(client_new) && LOAD(subscribe) && LOAD(subscription_wait));
    CHECK(LOAD(client_close) && LOAD(client_connect) && LOAD(last_error));
}

static bool is_mapped(void) {
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        found = found || strstr(line, "libdirectus_realtime") != NULL;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return found;
}

static void count_event(const drt_event *event, void *user_data) {
    (void)event;
    atomic_fetch_add((_Atomic int *)user_data, 1);
}

static void use(void) {
    static _Atomic int events, releases;
    drt_client *clients[CLIENTS] = {NULL};
    drt_subscription *subs[CLIENTS] = {NULL};
    atomic_store(&events, 0);
    atomic_store(&releases, 0);
    for (int i = 0; i < CLIENTS; i++) {
        drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
        drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
        options.url = url;
        options.access_token = token;
        posts.collection = "posts";
        posts.query = "{\"filter\":{\"title\":{\"_eq\":\"matches nothing\"}}}";
        CHECK(lib.client_new(&options, &clients[i]) == DRT_OK);
        CHECK(lib.subscribe(clients[i], NULL, &posts, count_event, &events, NULL, &subs[i]) ==
              DRT_OK);
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (lib.subscription_wait(subs[i], 60000) != DRT_OK) {
            fprintf(stderr, "%s\n", lib.last_error());
            CHECK(false);
        }
    }
    EVENTUALLY(atomic_load(&events) == CLIENTS);
    CHECK(threads_named("drt-io") == 1);
    CHECK(threads_named("drt-dispatch") == CLIENTS);
    CHECK(threads_named("drt-") == CLIENTS + 1); /* and no others */
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(lib.client_close(clients[i], 60000) == DRT_OK);
        CHECK(lib.client_connect(clients[i]) == DRT_ERR_INVALID_HANDLE);
        CHECK(i == CLIENTS - 1 || threads_named("drt-io") == 1);
    }
    /* The kernel takes a moment to forget a thread that was joined. */
    EVENTUALLY(threads_named("drt-") == 0);
}

static void *load_use_unload(void *unused) {
    (void)unused;
    load();
    use();
    CHECK(is_mapped());
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 4);
    library = argv[1], url = argv[2], token = argv[3];
    for (int round = 0; round < ROUNDS; round++) {
        /* On a thread of its own: a thread's last error keeps the library loaded until the
           thread ends. */
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, load_use_unload, NULL) == 0);
        pthread_join(thread, NULL);
        CHECK(dlclose(lib.handle) == 0);
        CHECK(!is_mapped());
        CHECK(threads_named("drt-") == 0);
        /* No fork handler of the unloaded library is left. */
        pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    /* On the main thread the library may stay loaded, and must work again. */
    for (int round = 0; round < 2; round++) {
        load();
        use();
        CHECK(dlclose(lib.handle) == 0);
    }
    return check_result();
}
