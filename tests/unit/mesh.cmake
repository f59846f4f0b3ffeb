# Decoding, mesh files, the file feed, and the dev control plane that serves them.
vic_test(decode_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/decode_test.cc DEPS vic_feed)
