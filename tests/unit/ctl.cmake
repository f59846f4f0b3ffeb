vic_test(ctl_test SOURCES ctl_policy_test.cc ctl_test.cc DEPS vic_ctl)
