vic_test(ui_hosts_test SOURCES ui_hosts_test.cc DEPS vic_ui)
