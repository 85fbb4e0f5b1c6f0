# Tests of sources, one line each. What all three take, and what the options mean:
#
#     zanni_unit_test ("message: signatures" message/signature_test.c)
#     zanni_integration_test ("a stuck thread is abandoned" stuck_test.c TIMEOUT 30)
#     zanni_stress_test ("fifo per pair" fifo.c ARGS 100000 LONG)
#
# The CTest name is the folder of tests/ and the sentence: "unit: message: signatures"; the folder is also its label.
# The program is named after its first source; sources may be C++17, too. A unit test is a Criterion program linked
# with the static library, so that it can call internal functions; an integration test is one linked with the shared
# library; a stress test is a plain main, since Criterion does not live under the thread sanitizer, linked with the
# static library. All of them find the headers of src/ and tests/ and, where tests/support makes a library
# zanni_support, are linked with that.
#
#     TIMEOUT n        seconds, 60 by default; three times that under a sanitizer
#     LONG             registers it a second time, with full counts: label `long`, ZANNI_LONG=1 in its environment,
#                      twenty times the timeout. Needs the build option ZANNI_LONG
#     PLAIN            a plain main in place of Criterion
#     INTERNAL         linked with the static library in place of the shared one
#     UNSANITIZED      is left out of the sanitizer builds
#     SERIAL           runs while no other test does
#     WAITS            spends most of its time waiting, not on a processor, and bounds no time closely: two such count as
#                      one of the others. ctest's --parallel is twice as many as are to run at once
#     AGAIN s VAR=x    registers it once more, in that environment, which the sentence s tells; any number of these pairs
#     ARGS, LIBRARIES, LABELS, ENVIRONMENT   further ones

enable_language (CXX)
if (NOT ZANNI_SANITIZE STREQUAL "thread")
    find_package (PkgConfig REQUIRED)
    pkg_check_modules (ZANNI_CRITERION IMPORTED_TARGET criterion)
    if (NOT ZANNI_CRITERION_FOUND)
        message (FATAL_ERROR "The tests need Criterion (Debian: libcriterion-dev); -DZANNI_TESTS=OFF leaves them out")
    endif ()
endif ()

set (suppressions ${PROJECT_SOURCE_DIR}/cmake)
set (ZANNI_TEST_ENVIRONMENT)
set (ZANNI_TEST_PATIENCE 1)
if (ZANNI_SANITIZE)
    set (ZANNI_TEST_PATIENCE 3)
    set (ZANNI_TEST_ENVIRONMENT
        "ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
        "LSAN_OPTIONS=suppressions=${suppressions}/lsan.supp:print_suppressions=0"
        "UBSAN_OPTIONS=print_stacktrace=1"
        "TSAN_OPTIONS=suppressions=${suppressions}/tsan.supp:print_suppressions=0:second_deadlock_stack=1")
endif ()

# zanni_add_test (NAME COMMAND ...): a CTest test under `timeout`, which ends whatever the program leaves behind.
function (zanni_add_test name)
    cmake_parse_arguments (PARSE_ARGV 1 arg "SERIAL;WAITS" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT")
    if (NOT arg_TIMEOUT)
        set (arg_TIMEOUT 60)
    endif ()
    math (EXPR timeout "${arg_TIMEOUT} * ${ZANNI_TEST_PATIENCE}")
    math (EXPR last "${timeout} + 15")
    add_test (NAME ${name} COMMAND timeout -k 5 ${timeout} ${arg_COMMAND})
    set (weight 2)
    if (arg_WAITS)
        set (weight 1)
    endif ()
    set_tests_properties (${name} PROPERTIES TIMEOUT ${last} LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77
        PROCESSORS ${weight} COST ${arg_TIMEOUT})   # the longest begin first
    set_property (TEST ${name} PROPERTY ENVIRONMENT ${ZANNI_TEST_ENVIRONMENT} ${arg_ENVIRONMENT})
    if (arg_SERIAL)
        set_tests_properties (${name} PROPERTIES RUN_SERIAL ON)
    endif ()
    if (ZANNI_SANITIZE)
        set_tests_properties (${name} PROPERTIES FAIL_REGULAR_EXPRESSION "Sanitizer|runtime error:")
    endif ()
endfunction ()

# Flags, folders and libraries of what tests are made of. What a test does itself is not optimized under the address
# sanitizer: that takes five times as long to compile, and has no more looked at.
function (zanni_test_target target)
    if (ZANNI_SANITIZE STREQUAL "address")
        target_compile_options (${target} PRIVATE -O0)
    endif ()
    target_compile_definitions (${target} PRIVATE _GNU_SOURCE)
    target_include_directories (${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries (${target} PRIVATE zanni_checked ${ARGN} ${ZANNI_NEEDS})
endfunction ()

# Sources beside the first, as objects: those of tests/ are compiled once for all tests of a folder that have them.
function (zanni_test_objects objects_p)
    set (objects)
    foreach (source IN LISTS ARGN)
        cmake_path (ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE OUTPUT_VARIABLE path)
        cmake_path (IS_PREFIX CMAKE_CURRENT_SOURCE_DIR ${path} is_here)
        if (NOT is_here OR source MATCHES "^\\$<")
            list (APPEND objects ${source})
            continue ()
        endif ()
        cmake_path (RELATIVE_PATH path BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests OUTPUT_VARIABLE object)
        string (MAKE_C_IDENTIFIER "test_${object}" object)
        if (NOT TARGET ${object})
            add_library (${object} OBJECT ${path})
            zanni_test_target (${object} $<TARGET_NAME_IF_EXISTS:PkgConfig::ZANNI_CRITERION> zanni::zanni)
        endif ()
        list (APPEND objects $<TARGET_OBJECTS:${object}>)
    endforeach ()
    set (${objects_p} ${objects} PARENT_SCOPE)
endfunction ()

# The program of a test and its one or two registrations.
function (zanni_test_program kind name)
    cmake_parse_arguments (PARSE_ARGV 2 arg "LONG;PLAIN;INTERNAL;UNSANITIZED;SERIAL;WAITS" "TIMEOUT"
        "ARGS;LIBRARIES;LABELS;ENVIRONMENT;AGAIN")
    if ((ZANNI_SANITIZE AND arg_UNSANITIZED) OR (ZANNI_SANITIZE STREQUAL "thread" AND NOT arg_PLAIN))
        return ()
    endif ()
    list (POP_FRONT arg_UNPARSED_ARGUMENTS first)
    zanni_test_objects (others ${arg_UNPARSED_ARGUMENTS})
    cmake_path (REMOVE_EXTENSION first OUTPUT_VARIABLE program)
    string (REPLACE "/" "-" program "${kind}-${program}")
    add_executable (${program} ${first} ${others})
    set (library zanni::zanni)
    if (arg_INTERNAL)
        set (library zanni::zanni_static)
    endif ()
    if (NOT arg_PLAIN)
        target_link_libraries (${program} PRIVATE PkgConfig::ZANNI_CRITERION)
        list (PREPEND arg_ARGS --jobs 1)
    endif ()
    zanni_test_target (${program} ${arg_LIBRARIES} $<TARGET_NAME_IF_EXISTS:zanni_support> ${library})

    if (NOT arg_TIMEOUT)
        set (arg_TIMEOUT 60)
    endif ()
    set (common COMMAND $<TARGET_FILE:${program}> ${arg_ARGS})
    foreach (flag SERIAL WAITS)
        if (arg_${flag})
            list (APPEND common ${flag})
        endif ()
    endforeach ()
    zanni_add_test ("${kind}: ${name}" ${common} TIMEOUT ${arg_TIMEOUT} LABELS ${kind} ${arg_LABELS}
        ENVIRONMENT ${arg_ENVIRONMENT})
    while (arg_AGAIN)
        list (POP_FRONT arg_AGAIN how environment)
        zanni_add_test ("${kind}: ${name}, ${how}" ${common} TIMEOUT ${arg_TIMEOUT} LABELS ${kind} ${arg_LABELS}
            ENVIRONMENT ${environment} ${arg_ENVIRONMENT})
    endwhile ()
    if (arg_LONG AND ZANNI_LONG)
        math (EXPR timeout "${arg_TIMEOUT} * 20")
        zanni_add_test ("${kind}: ${name} (full counts)" ${common} TIMEOUT ${timeout}
            LABELS ${kind} long ${arg_LABELS} ENVIRONMENT ZANNI_LONG=1 ${arg_ENVIRONMENT})
    endif ()
endfunction ()

# The folder below tests/ that the calling CMakeLists.txt stands in.
function (zanni_test_kind kind_p)
    cmake_path (RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/tests OUTPUT_VARIABLE path)
    string (REGEX REPLACE "/.*" "" path "${path}")
    set (${kind_p} ${path} PARENT_SCOPE)
endfunction ()

function (zanni_unit_test name)
    zanni_test_program (unit ${name} ${ARGN} INTERNAL)
endfunction ()

function (zanni_integration_test name)
    zanni_test_kind (kind)
    zanni_test_program (${kind} ${name} ${ARGN})
endfunction ()

function (zanni_stress_test name)
    zanni_test_program (stress ${name} ${ARGN} PLAIN INTERNAL)
endfunction ()
