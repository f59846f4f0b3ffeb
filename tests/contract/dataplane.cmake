vic_test(vic_contract_dataplane SOURCES dataplane_contract_test.cc DEPS vic_compile
             vic_dataplane_interface vic_test_wire LABELS contract)
