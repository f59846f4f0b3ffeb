# What operators look at a node through: the page, the self-test, the bundle.
vic_test(ui_test SOURCES ui_test.cc DEPS vic_e2e vic_feed_file LABELS e2e)
vic_test(bundle_e2e_test SOURCES bundle_test.cc DEPS vic_e2e vic_feed_file LABELS e2e)
vic_test(check_e2e_test SOURCES check_test.cc DEPS vic_e2e vic_feed_file PkgConfig::libbpf LABELS e2e)
foreach(test ui_test bundle_e2e_test check_e2e_test)
  add_dependencies(${test} vicinityd vicinityctl vic_pod_agent vic_helloworld)
endforeach()
