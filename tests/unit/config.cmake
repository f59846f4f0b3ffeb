vic_test(config_test SOURCES config_test.cc DEPS vic_config)
