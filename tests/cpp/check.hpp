// The checks of the C++ programs. A failure prints its place and ends the program.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#define CHECK(condition) ((condition) ? void() : fail(#condition, __FILE__, __LINE__))
#define EVENTUALLY(condition)                                                                      \
    (eventually([&] { return static_cast<bool>(condition); })                                      \
         ? void()                                                                                  \
         : fail("it did not become true within a minute: " #condition, __FILE__, __LINE__))
#define CHECK_THROWS(wanted, call)                                                                 \
    do {                                                                                           \
        bool thrown = false;                                                                       \
        try {                                                                                      \
            static_cast<void>(call);                                                               \
        } catch (const drt::error &caught) {                                                       \
            thrown = caught.status() == (wanted) && !caught.message().empty();                     \
        }                                                                                          \
        thrown ? void() : fail(#call " throws " #wanted, __FILE__, __LINE__);                      \
    } while (false)

[[noreturn]] inline void fail(const char *what, const char *file, int line) {
    std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    std::exit(1);
}

inline bool eventually(const std::function<bool()> &condition) {
    for (int tries = 0; tries < 6000; tries++) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

#endif
