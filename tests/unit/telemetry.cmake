vic_test(telemetry_test SOURCES telemetry_test.cc DEPS vic_telemetry)
