vic_test(ctl_test SOURCES ctl_policy_test.cc ctl_test.cc ctl_watch_test.cc DEPS vic_ctl)
vic_test(reference_test SOURCES reference_test.cc DEPS vic_config vic_ctl vic_test_support)
vic_test(ctl_check_test SOURCES ctl_check_test.cc DEPS vic_ctl)
vic_test(ctl_bundle_test SOURCES ctl_bundle_test.cc DEPS vic_ctl)
