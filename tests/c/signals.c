/* No thread of the library handles a signal that is sent to the process. The masks of all other
   signals are inherited from the thread that makes the client. */
#include "check.h"
#include "tasks.h"

#include <netdb.h>
#include <signal.h>
#include <unistd.h>

/* Replaces the system's function, so that the thread that looks names up runs for a while. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    (void)node, (void)service, (void)hints, (void)found;
    nap_ms(10000);
    return EAI_FAIL;
}

/* Reads a thread's mask of blocked signals from its status file. */
static bool mask_of(const char *task, unsigned long long *mask) {
    char path[300], line[256];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    FILE *status = fopen(path, "r");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        found = found || sscanf(line, "SigBlk: %llx", mask) == 1;
    }
    if (status != NULL) {
        fclose(status);
    }
    return found;
}

static bool has(unsigned long long mask, int signal) { return (mask >> (signal - 1) & 1) != 0; }

static void check_mask(const char *name, unsigned long long mask) {
    const int blocked[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGALRM,  SIGCHLD,
                           SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGRTMIN + 1};
    /* Faults concern the thread that causes them; collectors use the others to stop threads. */
    const int open[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL, SIGABRT, SIGTRAP,  SIGSYS,  SIGUSR1,
                        SIGUSR2, SIGXCPU, SIGPROF, SIGURG, SIGPWR,  SIGRTMIN, SIGRTMAX};
    for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) {
        CHECK(has(mask, blocked[i]));
    }
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        CHECK(!has(mask, open[i]));
    }
    /* SIGPIPE stays open for callbacks, which may rely on it as the rest of the program; the
       library's own writes must never raise it. */
    CHECK(has(mask, SIGPIPE) == (strcmp(name, "drt-dispatch\n") != 0));
}

/* Checks all threads of the library, and returns how many there are. */
static int check_masks(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        char name[64] = "";
        unsigned long long mask = 0;
        if (name_of_task(task->d_name, name, sizeof(name)) && strncmp(name, "drt-", 4) == 0 &&
            mask_of(task->d_name, &mask)) {
            check_mask(name, mask);
            count++;
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return count;
}

static void count_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                        void *user_data) {
    (void)client, (void)state, (void)reason, (void)message;
    atomic_fetch_add((_Atomic int *)user_data, 1);
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    _Atomic int states = 0;
    sigset_t inherited, before, after, waited;
    /* A signal blocked here must be blocked on the library's threads, too. */
    sigemptyset(&inherited);
    sigaddset(&inherited, SIGRTMIN + 1);
    CHECK(pthread_sigmask(SIG_BLOCK, &inherited, NULL) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
    options.url = "ws://localhost:1/"; /* a name, so that there is a thread that looks it up */
    options.access_token = "token";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, count_state, &states, NULL), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    EVENTUALLY(threads_named("drt-dns") > 0);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
    for (int signal = 1; signal < 32; signal++) {
        CHECK(sigismember(&before, signal) == sigismember(&after, signal));
    }
    CHECK(check_masks() >= 3);
    /* Only this thread may take SIGTERM, also when it waits after the signal was sent; on a
       thread of the library it would end the program. */
    sigemptyset(&waited);
    sigaddset(&waited, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &waited, NULL) == 0);
    for (int round = 0; round < 100; round++) {
        struct timespec timeout = {60, 0};
        CHECK(kill(getpid(), SIGTERM) == 0);
        CHECK(sigtimedwait(&waited, NULL, &timeout) == SIGTERM);
    }
    CHECK_STATUS(drt_client_close(client, 60000), DRT_OK);
    return check_result();
}
