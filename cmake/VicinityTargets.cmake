# The functions every folder's CMakeLists.txt is written with.
#
#   vic_add_folders(DIR...)                           add_subdirectory for those that are there
#   vic_library(NAME SOURCES ... [DEPS ...])          static library, our warnings as errors;
#                                                     without SOURCES: headers only
#   vic_program(NAME SOURCES ... [DEPS ...])          executable in ${CMAKE_BINARY_DIR}/bin
#   vic_test(NAME SOURCES ... [DEPS ...] [LABELS unit|golden|contract|property|bpf|kernel|e2e ...]
#            [ENV K=V ...] [TIMEOUT seconds])         gtest binary with a main. One ctest case per
#                                                     test; kernel and e2e: one per binary, serial.
#                                                     Runs with VICINITY_SOURCE_DIR and
#                                                     VICINITY_BINARY_DIR; support/paths.h has them too.
#   vic_proto(NAME PROTOS ... [DEPS ...] [GRPC])      messages (and services) as a library;
#                                                     import root is the top: "proto/x.proto",
#                                                     #include "proto/x.pb.h"
#   vic_bpf_object(NAME SOURCE f.c [DEFINES ...])     target NAME, which makes NAME.o; its path is
#                                                     $<TARGET_PROPERTY:NAME,VIC_BPF_OBJECT>
#   vic_embed(TARGET BPF_TARGET_OR_FILE FUNCTION)     adds `std::span<const std::byte> FUNCTION()`,
#                                                     e.g. vicinity::dataplane::bpf_object
#   vic_fuzz(NAME SOURCES ... [DEPS ...])             libFuzzer target, only with VICINITY_FUZZ

add_library(vic_warnings INTERFACE)
target_compile_options(vic_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough
  -Wnull-dereference -Wunused -Wcast-align -Wpedantic
  $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety;-Wnon-virtual-dtor;-Woverloaded-virtual;-Wextra-semi>
  # Statement expressions and designated initialisers out of the kernel's headers, in tests.
  -Wno-gnu-statement-expression -Wno-missing-field-initializers)

# Precompiled headers: one for the daemon, one for the tests, owned by targets of their own.
function(vic_pch_owner name header)
  if(VICINITY_PCH)
    add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/pch.cc)
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/${header})
    target_link_libraries(${name} PRIVATE vic_warnings fmt::fmt absl::statusor
      protobuf::libprotobuf ${ARGN})
    # ccache compares content, so no time stamp may be part of it.
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

function(vic_use_pch target owner)
  if(VICINITY_PCH)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

vic_pch_owner(vic_pch pch.h)
if(VICINITY_TESTS)
  vic_pch_owner(vic_pch_tests pch_tests.h GTest::gmock)
endif()

set(VIC_GEN_DIR ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${VIC_GEN_DIR})

function(vic_add_folders)
  foreach(folder IN LISTS ARGN)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()

function(vic_include_dirs target scope)
  target_include_directories(${target} ${scope}
    ${PROJECT_SOURCE_DIR}/daemon ${PROJECT_SOURCE_DIR}/include ${VIC_GEN_DIR})
endfunction()

function(vic_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  if(NOT arg_SOURCES)
    add_library(${name} INTERFACE)
    vic_include_dirs(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_DEPS})
    return()
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  vic_include_dirs(${name} PUBLIC)
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE vic_warnings)
  vic_use_pch(${name} vic_pch)
endfunction()

function(vic_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PCH" "SOURCES;DEPS")
  if(NOT arg_PCH)
    set(arg_PCH vic_pch)
  endif()
  add_executable(${name} ${arg_SOURCES})
  vic_include_dirs(${name} PRIVATE)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} vic_warnings)
  vic_use_pch(${name} ${arg_PCH})
endfunction()

# Tests also see the top (bpf/select.h, tests/support/x.h) and tests/ (support/x.h).
function(vic_test_settings target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
endfunction()

function(vic_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;DEPS;LABELS;ENV")
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  vic_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS} vic_test_paths GTest::gmock_main
    PCH vic_pch_tests)
  vic_test_settings(${name})
  set(env VICINITY_SOURCE_DIR=${PROJECT_SOURCE_DIR} VICINITY_BINARY_DIR=${PROJECT_BINARY_DIR}
      ${arg_ENV})
  foreach(label IN LISTS arg_LABELS)
    vic_group(vic_tests_${label} ${name})
  endforeach()
  if("kernel" IN_LIST arg_LABELS OR "e2e" IN_LIST arg_LABELS)
    vic_register_binary(${name})
  else()
    vic_register_cases(${name})
    vic_group(vic_tests_native ${name})
  endif()
endfunction()

# vic_tests_LABEL builds the tests of one label; vic_tests_native those that run under sanitizers.
function(vic_group group member)
  if(NOT TARGET ${group})
    add_custom_target(${group})
  endif()
  add_dependencies(${group} ${member})
endfunction()

# Kernel state is shared by a binary's cases (fixtures clean up per binary): one case, alone.
macro(vic_register_binary name)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=0)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    RUN_SERIAL ON ENVIRONMENT "${env}")
endmacro()

macro(vic_register_cases name)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60 NO_PRETTY_VALUES PROPERTIES TIMEOUT ${arg_TIMEOUT})
  # List-valued properties do not survive gtest_discover_tests, so a second include sets them.
  set(include ${CMAKE_CURRENT_BINARY_DIR}/${name}_properties.cmake)
  file(WRITE ${include} "if(${name}_TESTS)\n  set_tests_properties(\${${name}_TESTS} PROPERTIES\n"
    "    LABELS [==[${arg_LABELS}]==]\n    ENVIRONMENT [==[${env}]==])\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include})
endmacro()

function(vic_fuzz name)
  if(NOT VICINITY_FUZZ)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  vic_program(${name} SOURCES ${arg_SOURCES} DEPS ${arg_DEPS})
  vic_test_settings(${name})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_property(GLOBAL APPEND PROPERTY VIC_FUZZ_TARGETS ${name})
endfunction()

function(vic_proto name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GRPC" "" "PROTOS;DEPS")
  set(generated)
  foreach(proto IN LISTS arg_PROTOS)
    cmake_path(ABSOLUTE_PATH proto BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    vic_proto_command(${proto} cpp --cpp_out ".pb")
    if(arg_GRPC)
      vic_proto_command(${proto} grpc --grpc_out ".grpc.pb")
    endif()
  endforeach()
  add_library(${name} STATIC ${generated})
  vic_include_dirs(${name} PUBLIC)
  # Generated code: no warnings of ours, and -O1 compiles in about half the time.
  target_compile_options(${name} PRIVATE -w -O1)
  set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY "")
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${arg_DEPS})
  if(arg_GRPC)
    target_link_libraries(${name} PUBLIC gRPC::grpc++)
  endif()
endfunction()

macro(vic_proto_command proto kind out_flag suffix)
  cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE relative)
  string(REGEX REPLACE "\\.proto$" "" stem ${VIC_GEN_DIR}/${relative})
  add_custom_command(
    OUTPUT ${stem}${suffix}.cc ${stem}${suffix}.h
    COMMAND ${VIC_PROTOC} -I ${PROJECT_SOURCE_DIR} --plugin=protoc-gen-grpc=${VIC_GRPC_PLUGIN}
            ${out_flag}=${VIC_GEN_DIR} --dependency_out=${stem}.${kind}.d ${relative}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    DEPENDS ${proto}
    DEPFILE ${stem}.${kind}.d
    COMMENT "protoc ${kind} ${relative}"
    VERBATIM)
  list(APPEND generated ${stem}${suffix}.cc ${stem}${suffix}.h)
endmacro()

function(vic_bpf_object name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE" "DEFINES")
  cmake_path(ABSOLUTE_PATH arg_SOURCE BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
  list(TRANSFORM arg_DEFINES PREPEND -D)
  # -idirafter: asm/types.h is in the multiarch folder, which -target bpf does not search.
  # llvm-strip -g drops DWARF and keeps .BTF and .BTF.ext.
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${VIC_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
            -Wno-unused-parameter ${arg_DEFINES}
            -I ${PROJECT_SOURCE_DIR}/include -I ${PROJECT_SOURCE_DIR}/bpf
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${object}.d -MT ${object} -c ${arg_SOURCE} -o ${object}
    COMMAND ${VIC_BPF_STRIP} -g ${object}
    DEPENDS ${arg_SOURCE}
    DEPFILE ${object}.d
    COMMENT "BPF ${name}.o"
    VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(${name} DEPENDS ${object})
  set_target_properties(${name} PROPERTIES VIC_BPF_OBJECT ${object})
endfunction()

function(vic_embed target what function)
  set(file ${what})
  if(TARGET ${what})
    get_target_property(file ${what} VIC_BPF_OBJECT)
    add_dependencies(${target} ${what})
  endif()
  string(REGEX MATCH "^(.*)::([a-z_0-9]+)$" ignored ${function})
  set(VIC_EMBED_NAMESPACE ${CMAKE_MATCH_1})
  set(VIC_EMBED_FUNCTION ${CMAKE_MATCH_2})
  set(VIC_EMBED_FILE ${file})
  string(REPLACE "::" "_" VIC_EMBED_SYMBOL ${function})
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embed_${VIC_EMBED_SYMBOL}.cc)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/embed.cc.in ${source} @ONLY)
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
