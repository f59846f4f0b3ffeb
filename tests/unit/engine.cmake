vic_test(engine_test
  SOURCES engine_test.cc
  DEPS vic_engine vic_feed_file
  LABELS unit)
target_include_directories(engine_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)
