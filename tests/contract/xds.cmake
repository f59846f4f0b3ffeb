vic_test(xds_grpc_test LABELS contract
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/xds_grpc_test.cc ${CMAKE_CURRENT_LIST_DIR}/xds_server.cc
  DEPS vic_feed_xds vic_proto_grpc)
