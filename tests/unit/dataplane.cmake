vic_test(dataplane_test SOURCES frontend_table_test.cc DEPS vic_dataplane)
