# Every case goes through the program that operators use.
vic_test(vectors_test
  SOURCES
    vectors_algorithms_test.cc
    vectors_case.cc
    vectors_explain.cc
    vectors_istio_test.cc
    vectors_kuma_test.cc
    vectors_outlier_test.cc
    vectors_spill_test.cc
    vectors_test.cc
  DEPS vic_compile vic_health vic_policy vic_policy_istio vic_policy_kuma vic_policy_wds vic_test_support
       yaml-cpp)
add_dependencies(vectors_test vicinityctl)
