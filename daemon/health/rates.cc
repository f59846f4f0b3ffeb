// Envoy's judgement by rates, and the names of what the detector says.
#include <cmath>

#include "health/detector.h"

namespace vicinity::health {

// Hosts that are not ejected and had enough connects in the interval.
std::vector<size_t> Detector::with_volume(Origin origin, uint32_t volume) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < states_.size(); ++i) {
    const Rate& rate = origin == Origin::kLocal ? states_[i].local_rate : states_[i].external;
    if (!states_[i].ejected && rate.requests > 0 && rate.requests >= volume) found.push_back(i);
  }
  return found;
}

// Whoever is below mean - factor * standard deviation.
void Detector::judge_success(Origin origin, const Moment& moment, std::vector<Event>& events) {
  const policy::SuccessRate& rule = spec_.success_rate;
  const bool local = origin == Origin::kLocal;
  if ((local ? rule.local_enforced_percent : rule.enforced_percent) == 0) return;
  const auto judged = with_volume(origin, rule.request_volume);
  if (judged.empty() || judged.size() < rule.minimum_hosts) return;
  const auto percent = [&](size_t i) {
    return (local ? states_[i].local_rate : states_[i].external).percent();
  };
  double mean = 0;
  for (const size_t i : judged) mean += percent(i);
  mean /= static_cast<double>(judged.size());
  double variance = 0;
  for (const size_t i : judged) variance += (percent(i) - mean) * (percent(i) - mean);
  variance /= static_cast<double>(judged.size());
  const double threshold = mean - rule.stdev_permille / 1000.0 * std::sqrt(variance);
  const Cause cause = local ? Cause::kSuccessRateLocalOrigin : Cause::kSuccessRate;
  for (const size_t i : judged) {
    if (percent(i) < threshold) events.push_back(eject(i, cause, moment));
  }
}

void Detector::judge_failures(Origin origin, const Moment& moment, std::vector<Event>& events) {
  const policy::FailurePercentage& rule = spec_.failure_percentage;
  const bool local = origin == Origin::kLocal;
  if ((local ? rule.local_enforced_percent : rule.enforced_percent) == 0) return;
  const auto judged = with_volume(origin, rule.request_volume);
  if (judged.empty() || judged.size() < rule.minimum_hosts) return;
  const Cause cause = local ? Cause::kFailurePercentageLocalOrigin : Cause::kFailurePercentage;
  for (const size_t i : judged) {
    const Rate& rate = local ? states_[i].local_rate : states_[i].external;
    if (100.0 - rate.percent() >= rule.threshold) events.push_back(eject(i, cause, moment));
  }
}

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::kConsecutive5xx:
      return "consecutive_5xx";
    case Cause::kConsecutiveGateway:
      return "consecutive_gateway_failure";
    case Cause::kConsecutiveLocalOrigin:
      return "consecutive_local_origin_failure";
    case Cause::kSuccessRate:
      return "success_rate";
    case Cause::kSuccessRateLocalOrigin:
      return "local_origin_success_rate";
    case Cause::kFailurePercentage:
      return "failure_percentage";
    case Cause::kFailurePercentageLocalOrigin:
      return "local_origin_failure_percentage";
  }
  return "?";
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kEjected:
      return "ejected";
    case Verdict::kReturned:
      return "returned";
    case Verdict::kSpared:
      return "spared";
    case Verdict::kNotEnforced:
      return "not_enforced";
  }
  return "?";
}

}  // namespace vicinity::health
