vic_test(admin_queue_test SOURCES admin_queue_test.cc DEPS vic_admin)
vic_test(trace_board_test SOURCES trace_board_test.cc DEPS vic_admin LABELS unit)
