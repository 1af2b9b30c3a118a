# The version is the header's, which lies in the same prefix. Later ones of the same major
# version do what earlier ones did: docs/abi-policy.md.

file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../../../include/directus_realtime.h" _drt_lines
     REGEX "^#define DRT_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" _drt_lines "${_drt_lines}")
string(REPLACE ";" "." PACKAGE_VERSION "${_drt_lines}")
string(REGEX MATCH "^[0-9]+" _drt_major "${PACKAGE_VERSION}")

if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
if(PACKAGE_FIND_VERSION_MAJOR STREQUAL _drt_major AND NOT PACKAGE_VERSION VERSION_LESS
                                                      PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
else()
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
