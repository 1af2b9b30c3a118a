// What the C++ programs have in common that talk to a real server. Arguments: its URL, a token.
#ifndef SERVER_HPP
#define SERVER_HPP

#include <directus_realtime.hpp>

#include <string>

#include "check.hpp"

namespace server {
inline std::string url, token;
}

inline void take_arguments(int argc, char **argv) {
    CHECK(argc == 3);
    server::url = argv[1];
    server::token = argv[2];
}

inline drt::client_options options(drt::delivery delivery = drt::delivery::thread) {
    drt::client_options made;
    made.url = server::url;
    made.access_token = server::token;
    made.delivery = delivery;
    return made;
}

inline drt::subscription_options posts(const std::string &title) {
    drt::subscription_options made;
    made.collection = "posts";
    made.query = R"({"filter":{"title":{"_eq":")" + title + R"("}}})";
    return made;
}

inline std::string creation(const std::string &title) {
    return R"({"type":"items","action":"create","collection":"posts","data":{"title":")" + title +
           R"("}})";
}

#endif
