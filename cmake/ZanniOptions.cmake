# Options of the build, and the two sets of flags that come from them: the target zanni_checked (language and
# warnings, for every target of ours) and ZANNI_SANITIZE_FLAGS.

option (ZANNI_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option (ZANNI_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option (ZANNI_TOOLS "Build the command `zanni`, where jansson is found" ${PROJECT_IS_TOP_LEVEL})
option (ZANNI_BENCH "Build the benchmarks" OFF)
option (ZANNI_LANE "Let nodes of one host share memory, unless their options say otherwise" ON)
option (ZANNI_FUZZ "Build the fuzz targets (libFuzzer, with clang)" OFF)
option (ZANNI_LONG "Register the tests with full counts, label `long`" OFF)
option (ZANNI_WERROR "Treat warnings as errors" OFF)
set (ZANNI_SANITIZE "" CACHE STRING "Sanitizers: empty, address (with undefined) or thread")
set_property (CACHE ZANNI_SANITIZE PROPERTY STRINGS "" address thread)

# Assertions are never compiled out, so no -DNDEBUG.
if (PROJECT_IS_TOP_LEVEL)
    if (NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set (CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Kind of build" FORCE)
    endif ()
    foreach (language C CXX)
        set (CMAKE_${language}_FLAGS_RELWITHDEBINFO "-O2 -g")
        set (CMAKE_${language}_FLAGS_RELEASE "-O2")
    endforeach ()
endif ()

set (CMAKE_C_STANDARD 11)
set (CMAKE_C_STANDARD_REQUIRED ON)
set (CMAKE_C_EXTENSIONS OFF)
set (CMAKE_CXX_STANDARD 17)
set (CMAKE_CXX_STANDARD_REQUIRED ON)
set (CMAKE_CXX_EXTENSIONS OFF)

add_library (zanni_checked INTERFACE)
target_compile_options (zanni_checked INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${ZANNI_WERROR}>:-Werror>)

# Puts every program of a folder that has a CMakeLists.txt of its own under these flags.
function (zanni_check_folder folder)
    get_property (targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach (target IN LISTS targets)
        get_target_property (type ${target} TYPE)
        if (type MATCHES "EXECUTABLE|_LIBRARY")
            target_link_libraries (${target} PRIVATE zanni_checked)
        endif ()
    endforeach ()
endfunction ()

set (ZANNI_SANITIZE_FLAGS)
if (ZANNI_SANITIZE STREQUAL "address")
    set (ZANNI_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif (ZANNI_SANITIZE STREQUAL "thread")
    set (ZANNI_SANITIZE_FLAGS -fsanitize=thread -fno-omit-frame-pointer)
elseif (ZANNI_SANITIZE)
    message (FATAL_ERROR "ZANNI_SANITIZE is \"${ZANNI_SANITIZE}\"; it may be empty, address or thread")
endif ()
