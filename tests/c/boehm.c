/* A garbage collector that stops threads by signals can stop the callback thread. */
#define GC_THREADS
#include <gc.h>

#include "check.h"

#include <unistd.h>

static _Atomic int attached, detached;

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)state, (void)reason, (void)message, (void)user_data;
    if (attached == 0) {
        struct GC_stack_base base;
        CHECK(GC_get_stack_base(&base) == GC_SUCCESS);
        CHECK(GC_register_my_thread(&base) == GC_SUCCESS);
        attached = 1;
    }
}

/* Runs on the callback thread. */
static void release(void *user_data) {
    (void)user_data;
    CHECK(GC_unregister_my_thread() == GC_SUCCESS);
    detached = 1;
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    alarm(240); /* a collection that hangs ends the program */
    GC_INIT();
    GC_allow_register_threads();
    options.url = "ws://127.0.0.1:1/";
    options.access_token = "token";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, on_state, NULL, release), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    EVENTUALLY(attached);
    for (int round = 0; round < 100; round++) {
        CHECK(GC_MALLOC(100000) != NULL);
        GC_gcollect();
    }
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(detached);
    return check_result();
}
