#include <directus_realtime.hpp>

std::error_code timeout_of_the_other_unit();

std::error_code timeout_of_the_other_unit() { return drt::status::timeout; }
