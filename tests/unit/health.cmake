vic_test(health_test
  SOURCES health_detector_test.cc health_judge_test.cc health_load_judge_test.cc health_load_spill_test.cc health_rates_test.cc
  DEPS vic_health)
