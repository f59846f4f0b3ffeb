# Restarts, upgrades, faults: a daemon that is the same but for its ABI version, and the soak.
vic_program(vic_test_vicinityd_next
  SOURCES abi_next.cc ${PROJECT_SOURCE_DIR}/daemon/main.cc DEPS vic_app)
target_compile_definitions(vic_test_vicinityd_next PRIVATE VICINITY_VERSION="${PROJECT_VERSION}")
vic_test(restart_test SOURCES restart_test.cc DEPS vic_e2e vic_feed_file LABELS e2e TIMEOUT 600)
vic_test(disk_full_test SOURCES disk_full_test.cc DEPS vic_e2e vic_feed_file LABELS e2e)
vic_program(vicinity_soak SOURCES soak.cc soak_main.cc DEPS vic_e2e vic_feed_file)
foreach(program restart_test disk_full_test vicinity_soak)
  add_dependencies(${program} vicinityd vicinityctl vic_test_vicinityd_next vic_pod_agent
    vic_helloworld)
endforeach()
