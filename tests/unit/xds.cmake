vic_test(xds_parts_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/xds_parts_test.cc DEPS vic_feed_xds)
vic_test(xds_session_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/xds_session_test.cc DEPS vic_feed_xds)
vic_test(xds_resync_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/xds_resync_test.cc DEPS vic_feed_xds)
vic_test(xds_feed_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/xds_feed_test.cc DEPS vic_feed_xds)
