vic_test(vic_contract_dataplane SOURCES dataplane_contract_test.cc
  DEPS vic_compile vic_test_wire absl::time LABELS contract)
