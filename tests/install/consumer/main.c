/* A program in C that prints the library's version and an error of it. */
#include <directus_realtime.h>

#include <stdio.h>

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "gopher://localhost";
    drt_client *client = NULL;
    drt_status status = drt_client_new(&options, &client);
    printf("c %s %s\n", drt_version(), drt_status_name(status));
    return drt_abi_version() == DRT_ABI_VERSION ? 0 : 1;
}
