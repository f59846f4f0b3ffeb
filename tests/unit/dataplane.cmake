vic_test(dataplane_test
  SOURCES active_ids_test.cc features_test.cc frontend_table_test.cc growth_test.cc watches_test.cc
  DEPS vic_dataplane)
