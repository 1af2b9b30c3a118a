/*
 * Prints the events of a collection, one line of JSON per event. See USAGE.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "example.h"

static const char USAGE[] =
    "usage: tail [options] URL COLLECTION\n"
    "\n"
    "Prints the items of a Directus collection, then whatever happens to them, as one\n"
    "JSON line per event on standard output:\n"
    "\n"
    "  {\"type\":\"init\",\"sequence\":1,\"data\":[...]}      the items there are\n"
    "  {\"type\":\"create\",\"sequence\":2,\"data\":{...}}    also update and delete\n"
    "  {\"type\":\"error\",\"sequence\":3,\"data\":{...}}     something was withheld or refused\n"
    "\n"
    "An init line with \"resync\":true follows a gap, such as a lost link: it replaces what\n"
    "was known before. State changes are printed to standard error.\n"
    "\n"
    "Who you are:\n"
    "  --token TOKEN         a static token or a JWT; better in DIRECTUS_TOKEN\n"
    "  --email E             log in, with --password P or DIRECTUS_PASSWORD\n"
    "  --password P\n"
    "  --public              no credentials: for WEBSOCKETS_REST_AUTH=public\n"
    "  --strict              the token goes into the URL: WEBSOCKETS_REST_AUTH=strict\n"
    "What you want to see:\n"
    "  --fields A,B          these fields\n"
    "  --filter JSON         the items that match, e.g. {\"status\":{\"_eq\":\"published\"}}\n"
    "  --query JSON          a whole query in place of --fields and --filter\n"
    "  --item KEY            only this item\n"
    "  --primary-key NAME    where it is not \"id\"\n"
    "  --events LIST         some of create,update,delete; the init line is empty then\n"
    "  --no-snapshot         no init lines; what happens in a gap is not printed then\n"
    "  --uid UID             named in every line, to tell several tails apart\n"
    "When to end:\n"
    "  --count N             after N lines\n"
    "  --exit-after SECONDS  after this time\n"
    "  --attempts N          after N failed attempts to reconnect; 0, for ever, is usual\n"
    "How to connect:\n"
    "  --ca-file FILE        PEM roots to trust beside the system's\n"
    "  --proxy URL           http://[user:password@]host:port\n"
    "Other:\n"
    "  -q, --quiet           only problems on standard error\n"
    "  -v, --verbose         the library's log as well\n"
    "  -V, --version\n"
    "  -h, --help\n"
    "\n"
    "Exit status:\n"
    "  0  Ctrl-C, --count, --exit-after, or the reader of standard output has gone\n"
    "  1  the server refused the subscription\n"
    "  2  the command line is wrong\n"
    "  3  cannot connect, or the server had not answered when --exit-after ended it\n"
    "  4  the credentials are missing or were refused\n"
    "  5  standard output cannot be written\n";

enum { OK, REFUSED, USAGE_ERROR, NO_CONNECTION, NO_CREDENTIALS, NO_OUTPUT };

struct tail {
    bool snapshot, quiet, named;
    uint32_t left; /* lines left to print; 0 = no limit */
    bool answered, over;
    int status;
};

static void end(struct tail *tail, int status) {
    if (!tail->over) {
        tail->over = true;
        tail->status = status;
    }
}

/* Prints JSON, which may have line breaks, on one line. */
static void put_json(const char *name, const char *json, size_t len) {
    printf(",\"%s\":", name);
    if (len == 0) {
        fputs("null", stdout);
    }
    for (size_t i = 0; i < len; i++) {
        putchar(json[i] == '\n' || json[i] == '\r' ? ' ' : json[i]);
    }
}

static void on_event(const drt_event *event, void *user_data) {
    static const char *const types[] = {"init", "create", "update", "delete", "error"};
    struct tail *tail = user_data;
    if (tail->over) {
        return;
    }
    tail->answered = true;
    if (event->kind == DRT_EVENT_ERROR) {
        bool ended = event->flags & DRT_FLAG_ENDED;
        fprintf(stderr, "tail: the server %s: %.*s\n",
                ended ? "refused the subscription" : "withheld an event", (int)event->data_len,
                event->data);
        if (ended) {
            end(tail, REFUSED);
        }
    }
    if (event->kind == DRT_EVENT_INIT && !tail->snapshot) {
        if (event->flags & DRT_FLAG_RESYNC) {
            fprintf(stderr, "tail: what happened in the gap is unknown\n");
        }
        return;
    }
    printf("{\"type\":\"%s\"", types[event->kind]);
    if (tail->named) {
        json_t *text = json_string(event->uid);
        fputs(",\"uid\":", stdout);
        json_dumpf(text, stdout, JSON_ENCODE_ANY);
        json_decref(text);
    }
    printf(",\"sequence\":%" PRIu64, event->sequence);
    if (event->flags & DRT_FLAG_RESYNC) {
        put_json("resync", "true", 4);
    }
    put_json("data", event->data, event->data_len);
    if (event->meta_len > 0) {
        put_json("meta", event->meta, event->meta_len);
    }
    puts("}");
    if (tail->left > 0 && --tail->left == 0) {
        end(tail, OK);
    }
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct tail *tail = user_data;
    (void)client;
    if (state == DRT_STATE_FAILED) {
        fprintf(stderr, "tail: %s\n", message);
        end(tail, reason == DRT_ERR_AUTH ? NO_CREDENTIALS : NO_CONNECTION);
    } else if (state != DRT_STATE_CLOSED && (!tail->quiet || reason != DRT_OK)) {
        fprintf(stderr, "tail: %s\n", message);
    }
}

static void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    static const char *const levels[] = {"", "error", "warning", "info", "debug", "trace"};
    (void)user_data;
    fprintf(stderr, "tail: %s (%s): %s\n", levels[level], target, message);
}

_Noreturn static void wrong(const char *sentence) {
    fprintf(stderr, "tail: %s\nTry --help.\n", sentence);
    exit(USAGE_ERROR);
}

_Noreturn static void wrong_value(const char *option, const char *subscription_options,
                                  const char *value) {
    fprintf(stderr, "tail: %s wants %s, not '%s'\nTry --help.\n", option, subscription_options,
            value);
    exit(USAGE_ERROR);
}

static uint32_t whole_number(const char *option, const char *text) {
    if (!text) {
        return 0;
    }
    char *rest;
    errno = 0;
    unsigned long long number = strtoull(text, &rest, 10);
    if (*text < '0' || *text > '9' || *rest != '\0' || errno != 0 || number > UINT32_MAX) {
        wrong_value(option, "a whole number", text);
    }
    return (uint32_t)number;
}

static long long milliseconds(const char *option, const char *text) {
    if (!text) {
        return 0;
    }
    char *rest;
    double seconds = strtod(text, &rest);
    if (rest == text || *rest != '\0' || !(seconds > 0 && seconds < 1e9)) {
        wrong_value(option, "a number of seconds", text);
    }
    return (long long)(seconds * 1000) + 1;
}

static drt_event_mask event_kinds(const char *list) {
    static const char *const names[] = {"create", "update", "delete"};
    drt_event_mask kinds = 0;
    while (list) {
        size_t len = strcspn(list, ","), kind = 0;
        while (kind < 3 && (strlen(names[kind]) != len || memcmp(names[kind], list, len) != 0)) {
            kind++;
        }
        if (kind == 3) {
            wrong_value("--events", "some of create,update,delete", list);
        }
        kinds |= 1u << kind;
        list = list[len] ? list + len + 1 : NULL;
    }
    return kinds;
}

/* The query of --fields and --filter, to be freed. */
static char *make_query(const char *fields, const char *filter) {
    if (!fields && !filter) {
        return NULL;
    }
    json_error_t error = {.text = ""};
    json_t *condition = filter ? json_loads(filter, 0, &error) : NULL;
    if (filter && !condition) {
        fprintf(stderr, "tail: --filter is no JSON: %s\nTry --help.\n", error.text);
        exit(USAGE_ERROR);
    }
    json_t *query = json_pack("{s:s*, s:o*}", "fields", fields, "filter", condition);
    char *text = json_dumps(query, JSON_COMPACT);
    json_decref(query);
    if (!text) {
        wrong("--fields is not UTF-8");
    }
    return text;
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Dispatches until the program is to end. `deadline`: 0 = none. */
static void follow(struct tail *tail, drt_client *client, int stop, long long deadline) {
    struct pollfd waits[] = {
        {.fd = stop, .events = POLLIN},
        {.fd = drt_client_fd(client), .events = POLLIN},
        {.fd = STDOUT_FILENO}, /* an error when the reader of a pipe has gone */
    };
    while (!tail->over) {
        long long left = deadline ? deadline - now_ms() : -1;
        if (deadline && left <= 0) {
            end(tail, tail->answered ? OK : NO_CONNECTION);
            break;
        }
        if (poll(waits, 3, left > 3600000 ? 3600000 : (int)left) <= 0) {
            continue;
        }
        if (waits[0].revents || waits[2].revents & (POLLERR | POLLHUP)) {
            end(tail, OK);
        } else if (waits[1].revents) {
            must(drt_client_dispatch(client, 0, 0, NULL), "tail");
            if (fflush(stdout) != 0) {
                if (errno != EPIPE) {
                    perror("tail: standard output");
                }
                end(tail, errno == EPIPE ? OK : NO_OUTPUT);
            }
        }
    }
}

/* The long options. getopt_long returns 256 + their index. */
enum {
    ATTEMPTS,
    CA_FILE,
    COUNT,
    EMAIL,
    EVENTS,
    EXIT_AFTER,
    FIELDS,
    FILTER,
    ITEM,
    NO_SNAPSHOT,
    PASSWORD,
    PRIMARY_KEY,
    PROXY,
    PUBLIC,
    QUERY,
    STRICT,
    TOKEN,
    UID,
    OPTIONS_COUNT
};

static const struct option OPTIONS[] = {
    {"attempts", required_argument, NULL, 256 + ATTEMPTS},
    {"ca-file", required_argument, NULL, 256 + CA_FILE},
    {"count", required_argument, NULL, 256 + COUNT},
    {"email", required_argument, NULL, 256 + EMAIL},
    {"events", required_argument, NULL, 256 + EVENTS},
    {"exit-after", required_argument, NULL, 256 + EXIT_AFTER},
    {"fields", required_argument, NULL, 256 + FIELDS},
    {"filter", required_argument, NULL, 256 + FILTER},
    {"item", required_argument, NULL, 256 + ITEM},
    {"no-snapshot", no_argument, NULL, 256 + NO_SNAPSHOT},
    {"password", required_argument, NULL, 256 + PASSWORD},
    {"primary-key", required_argument, NULL, 256 + PRIMARY_KEY},
    {"proxy", required_argument, NULL, 256 + PROXY},
    {"public", no_argument, NULL, 256 + PUBLIC},
    {"query", required_argument, NULL, 256 + QUERY},
    {"strict", no_argument, NULL, 256 + STRICT},
    {"token", required_argument, NULL, 256 + TOKEN},
    {"uid", required_argument, NULL, 256 + UID},
    {"help", no_argument, NULL, 'h'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv) {
    const char *given[OPTIONS_COUNT] = {NULL};
    given[TOKEN] = getenv("DIRECTUS_TOKEN");
    given[PASSWORD] = getenv("DIRECTUS_PASSWORD");
    bool quiet = false;
    drt_log_level level = DRT_LOG_WARN;
    for (int option; (option = getopt_long(argc, argv, "hqvV", OPTIONS, NULL)) != -1;) {
        if (option >= 256) {
            given[option - 256] = optarg ? optarg : "";
        } else if (option == 'q') {
            quiet = true;
        } else if (option == 'v') {
            level = DRT_LOG_DEBUG;
        } else if (option == 'V') {
            printf("tail, with directus-realtime %s\n", drt_version());
            return OK;
        } else if (option == 'h') {
            fputs(USAGE, stdout);
            return OK;
        } else {
            fputs("Try --help.\n", stderr);
            return USAGE_ERROR;
        }
    }
    if (argc - optind != 2) {
        wrong("wants a URL and a collection");
    }
    if (given[QUERY] && (given[FIELDS] || given[FILTER])) {
        wrong("--query takes the place of --fields and --filter: not both");
    }

    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[optind];
    options.auth_mode = given[PUBLIC]   ? DRT_AUTH_PUBLIC
                        : given[STRICT] ? DRT_AUTH_STRICT
                                        : DRT_AUTH_HANDSHAKE;
    options.access_token = given[TOKEN];
    options.email = given[EMAIL];
    options.password = given[EMAIL] ? given[PASSWORD] : NULL;
    options.delivery = DRT_DELIVER_POLL;
    options.reconnect_attempts = whole_number("--attempts", given[ATTEMPTS]);
    options.ca_file = given[CA_FILE];
    options.proxy = given[PROXY];

    drt_subscription_options wanted = DRT_SUBSCRIPTION_OPTIONS_INIT;
    wanted.collection = argv[optind + 1];
    char *query = make_query(given[FIELDS], given[FILTER]);
    wanted.query = given[QUERY] ? given[QUERY] : query;
    wanted.uid = given[UID];
    wanted.events = event_kinds(given[EVENTS]);
    wanted.item = given[ITEM];
    wanted.primary_key = given[PRIMARY_KEY];
    wanted.snapshot = given[NO_SNAPSHOT] ? DRT_SNAPSHOT_SERVER : DRT_SNAPSHOT_EXACT;

    struct tail tail = {.snapshot = !given[NO_SNAPSHOT], .quiet = quiet, .named = given[UID]};
    tail.left = whole_number("--count", given[COUNT]);
    long long time = milliseconds("--exit-after", given[EXIT_AFTER]);
    long long deadline = time ? now_ms() + time : 0;

    int stop = stop_fd();
    signal(SIGPIPE, SIG_IGN);
    drt_client *client;
    drt_set_log(level, on_log, NULL, NULL);
    drt_status status = drt_client_new(&options, &client);
    if (status == DRT_OK) {
        drt_client_on_state(client, on_state, &tail, NULL);
        status = drt_subscribe(client, NULL, &wanted, on_event, &tail, NULL, NULL);
    }
    if (status != DRT_OK) {
        wrong(drt_last_error());
    }
    follow(&tail, client, stop, deadline);
    drt_client_close(client, 5000);
    free(query);
    return tail.status;
}
