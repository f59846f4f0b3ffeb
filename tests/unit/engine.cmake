vic_test(engine_test
  SOURCES engine_judgement_test.cc engine_load_test.cc engine_names_test.cc
          engine_policies_test.cc engine_takeover_test.cc engine_test.cc
  DEPS vic_engine vic_feed_file
  LABELS unit)
target_include_directories(engine_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)

# The engine under a real xDS feed without a network.
vic_test(engine_faults_test
  SOURCES engine_faults_test.cc
  DEPS vic_engine vic_feed_file vic_feed_xds spdlog::spdlog
  LABELS unit)
target_include_directories(engine_faults_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)
vic_test(departures_test
  SOURCES departures_test.cc
  DEPS vic_engine vic_feed_file
  LABELS unit)
target_include_directories(departures_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)

vic_test(mounts_test SOURCES mounts_test.cc ${PROJECT_SOURCE_DIR}/daemon/mounts.cc
  DEPS absl::status absl::statusor fmt::fmt LABELS unit)

vic_test(traffic_test SOURCES traffic_test.cc DEPS vic_engine vic_feed_file LABELS unit)

vic_test(wanted_tables_test
  SOURCES wanted_tables_test.cc
  DEPS vic_engine vic_model_rows
  LABELS unit)
target_include_directories(wanted_tables_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)

vic_test(pods_test SOURCES pods_test.cc DEPS vic_engine vic_model_rows LABELS unit)

vic_test(engine_node_test
  SOURCES engine_node_test.cc
  DEPS vic_engine vic_model_rows
  LABELS unit)
target_include_directories(engine_node_test PRIVATE ${PROJECT_SOURCE_DIR}/tests/contract)
