// A program in C++ that prints the library's version and an error of it.
#include <directus_realtime.hpp>

#include <iostream>

int main() {
    drt::client_options options;
    options.url = "gopher://localhost";
    try {
        drt::client client(options);
        return 1;
    } catch (const drt::error &refused) {
        std::cout << "cpp " << drt_version() << ' '
                  << drt_status_name(static_cast<drt_status>(refused.status())) << '\n';
    }
    return 0;
}
