vic_test(ctl_test SOURCES ctl_test.cc DEPS vic_ctl)
