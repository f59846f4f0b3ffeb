vic_test(admin_test SOURCES admin_test.cc DEPS vic_admin vic_ctl LABELS contract)
