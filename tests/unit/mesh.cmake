# Decoding, mesh files, the file feed, and the dev control plane that serves them.
vic_test(decode_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/decode_test.cc DEPS vic_feed)
vic_test(mesh_file_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/mesh_file_test.cc
  DEPS vic_devcp vic_feed_file)
vic_test(file_feed_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/file_feed_test.cc
  DEPS vic_feed_file absl::synchronization)
vic_test(devcp_recording_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/devcp_recording_test.cc
  DEPS vic_devcp)
vic_test(devcp_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/devcp_test.cc
  DEPS vic_devcp)
add_dependencies(devcp_test vicinity-devcp)
