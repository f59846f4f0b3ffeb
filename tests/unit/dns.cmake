vic_test(dns_test SOURCES dns_test.cc dns_server.cc DEPS vic_feed_dns vic_model_rows LABELS unit)
