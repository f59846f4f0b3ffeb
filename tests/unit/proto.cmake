vic_test(proto_recordings_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/proto_recordings_test.cc DEPS vic_proto absl::status absl::statusor fmt::fmt)
