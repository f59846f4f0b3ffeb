vic_test(admin_queue_test SOURCES admin_queue_test.cc DEPS vic_admin)
