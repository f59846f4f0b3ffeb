vic_test(dataplane_test SOURCES features_test.cc frontend_table_test.cc growth_test.cc DEPS vic_dataplane)
