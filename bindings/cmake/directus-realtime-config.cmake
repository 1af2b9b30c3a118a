# find_package(directus-realtime): the installed library, as the targets
#
#   directus-realtime::directus-realtime    shared, or static where BUILD_SHARED_LIBS is OFF
#   directus-realtime::shared               where it is installed
#   directus-realtime::static               where it is installed

get_filename_component(_drt_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(_drt_places lib lib64 "lib/${CMAKE_LIBRARY_ARCHITECTURE}")

find_path(
  directus-realtime_INCLUDE_DIR directus_realtime.h
  HINTS "${_drt_prefix}/include"
  NO_DEFAULT_PATH)
find_library(
  directus-realtime_SHARED_LIBRARY
  NAMES "${CMAKE_SHARED_LIBRARY_PREFIX}directus_realtime${CMAKE_SHARED_LIBRARY_SUFFIX}"
  HINTS "${_drt_prefix}"
  PATH_SUFFIXES ${_drt_places}
  NO_DEFAULT_PATH)
find_library(
  directus-realtime_STATIC_LIBRARY
  NAMES "${CMAKE_STATIC_LIBRARY_PREFIX}directus_realtime${CMAKE_STATIC_LIBRARY_SUFFIX}"
  HINTS "${_drt_prefix}"
  PATH_SUFFIXES ${_drt_places}
  NO_DEFAULT_PATH)
mark_as_advanced(directus-realtime_INCLUDE_DIR directus-realtime_SHARED_LIBRARY
                 directus-realtime_STATIC_LIBRARY)

if(NOT directus-realtime_INCLUDE_DIR
   OR NOT (directus-realtime_SHARED_LIBRARY OR directus-realtime_STATIC_LIBRARY))
  set(directus-realtime_FOUND FALSE)
  set(directus-realtime_NOT_FOUND_MESSAGE
      "${_drt_prefix} has this file, but not the header and the library beside it.")
  return()
endif()

include("${CMAKE_CURRENT_LIST_DIR}/directus-realtime-targets.cmake")
