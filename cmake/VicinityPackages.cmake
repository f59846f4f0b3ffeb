# Third-party libraries, all from Debian 12. Targets to link:
#   absl::status absl::flat_hash_map ...   gRPC::grpc++   protobuf::libprotobuf   spdlog::spdlog
#   fmt::fmt   CLI11::CLI11   yaml-cpp   prometheus-cpp::core|pull   PkgConfig::libbpf
#   PkgConfig::libxxhash   PkgConfig::libcares   GTest::gtest|gmock   benchmark::benchmark
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(gRPC 1.51 CONFIG REQUIRED)
find_package(fmt 9 CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
pkg_check_modules(libbpf REQUIRED IMPORTED_TARGET libbpf>=1.1)
pkg_check_modules(libxxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(libcares REQUIRED IMPORTED_TARGET libcares)
if(VICINITY_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
  include(GoogleTest)
endif()

find_program(VIC_PROTOC protoc REQUIRED)
find_program(VIC_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)
find_program(VIC_BPF_CLANG NAMES clang-19 REQUIRED)
find_program(VIC_BPF_STRIP NAMES llvm-strip-19 REQUIRED)
