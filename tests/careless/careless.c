/* A program by someone careless: eight threads call everything with anything, also from callbacks.
 *
 *     careless URL SEED MILLISECONDS keep|free
 *
 * Nothing may crash, hang, come late or remain. The seed determines what each thread does, but not
 * in which order the threads do it. */
#include "../c/tasks.h"
#include "calls.h"

#include <signal.h>

enum { THREADS = 8 };

static const char *seed_text;
static struct timespec ends;

static bool is_over(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > ends.tv_sec || (now.tv_sec == ends.tv_sec && now.tv_nsec >= ends.tv_nsec);
}

static void end_in_ms(long ms) {
    clock_gettime(CLOCK_MONOTONIC, &ends);
    ends.tv_nsec += ms % 1000 * 1000000;
    ends.tv_sec += ms / 1000 + ends.tv_nsec / 1000000000;
    ends.tv_nsec %= 1000000000;
}

static void *be_careless(void *seed) {
    dice_seed(*(const uint64_t *)seed);
    while (!is_over()) {
        call_at_random();
    }
    return NULL;
}

static int open_descriptors(void) {
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    CHECK(all != NULL);
    while (all != NULL && readdir(all) != NULL) {
        count++;
    }
    if (all != NULL) {
        closedir(all);
    }
    return count;
}

/* Those that are left, for a person to read. */
static void show_descriptors(void) {
    for (int fd = 0; fd < 1024; fd++) {
        char path[64], target[256] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof(target) - 1) > 0) {
            fprintf(stderr, "open: %d %s\n", fd, target);
        }
    }
}

static void hangs(int signal) {
    (void)signal;
    static const char words[] = "a call hangs: seed ";
    (void)!write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)!write(STDERR_FILENO, seed_text, strlen(seed_text));
    abort();
}

static void close_all(void) {
    drt_set_log(DRT_LOG_OFF, NULL, NULL, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        if (shelves[CLIENT][i].handle != NULL) {
            drt_client_close(shelves[CLIENT][i].handle, 60000);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        return 2;
    }
    seed_text = arguments[2];
    const uint64_t seed = strtoull(seed_text, NULL, 0);
    const long ms = atol(arguments[3]);
    registrations_are_freed = strcmp(arguments[4], "free") == 0;
    prepare_input(arguments[1]);
    signal(SIGALRM, hangs);
    alarm((unsigned)(ms / 1000 + 300));

    const int descriptors = open_descriptors();
    end_in_ms(ms);
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = seed * THREADS + (uint64_t)i;
        CHECK(pthread_create(&threads[i], NULL, be_careless, &seeds[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    close_all();
    EVENTUALLY(registrations_made == registrations_released);
    EVENTUALLY(threads_named("drt-") == 0);
    EVENTUALLY(open_descriptors() == descriptors);
    if (open_descriptors() != descriptors) {
        show_descriptors();
    }
    printf("seed %s: %ld calls, %ld of them refused, %ld callbacks, %ld registrations\n", seed_text,
           calls_made, calls_refused, callbacks_run, registrations_made);
    CHECK(calls_made > 100 && callbacks_run > 0);
    while (registrations != NULL) {
        struct registration *next = registrations->next;
        free(registrations);
        registrations = next;
    }
    return check_result();
}
