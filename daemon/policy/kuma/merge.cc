#include "policy/kuma/merge.h"

#include <optional>

namespace vicinity::policy::kuma {
namespace {

void lay(const LocalZone& zone, LocalZone& base);
void lay(const CrossZone& zone, CrossZone& base);
void lay(const LocalityAwareness& locality, LocalityAwareness& base);
void lay(const LoadBalancer& balancer, LoadBalancer& base);
void lay(const OutlierDetection::Consecutive& streak, OutlierDetection::Consecutive& base);
void lay(const OutlierDetection::Rate& rate, OutlierDetection::Rate& base);
void lay(const OutlierDetection::Detectors& detectors, OutlierDetection::Detectors& base);
void lay(const OutlierDetection& outlier, OutlierDetection& base);

// A field without fields of its own.
template <class Field>
void lay_field(const std::optional<Field>& field, std::optional<Field>& base) {
  if (field) base = field;
}

template <class Object>
void lay_object(const std::optional<Object>& object, std::optional<Object>& base) {
  if (!object) return;
  if (!base) base.emplace();
  lay(*object, *base);
}

void lay(const LocalZone& zone, LocalZone& base) {
  lay_field(zone.affinity_tags, base.affinity_tags);
}

void lay(const CrossZone& zone, CrossZone& base) {
  lay_field(zone.failover, base.failover);
  lay_field(zone.threshold, base.threshold);
}

void lay(const LocalityAwareness& locality, LocalityAwareness& base) {
  lay_field(locality.disabled, base.disabled);
  lay_object(locality.local_zone, base.local_zone);
  lay_object(locality.cross_zone, base.cross_zone);
}

void lay(const LoadBalancer& balancer, LoadBalancer& base) {
  lay_field(balancer.type, base.type);
  lay_field(balancer.by_source, base.by_source);
  lay_field(balancer.choice_count, base.choice_count);
  lay_field(balancer.active_request_bias, base.active_request_bias);
  lay_field(balancer.min_ring_size, base.min_ring_size);
  lay_field(balancer.max_ring_size, base.max_ring_size);
  lay_field(balancer.table_size, base.table_size);
}

void lay(const OutlierDetection::Consecutive& streak, OutlierDetection::Consecutive& base) {
  lay_field(streak.failures, base.failures);
}

void lay(const OutlierDetection::Rate& rate, OutlierDetection::Rate& base) {
  lay_field(rate.minimum_hosts, base.minimum_hosts);
  lay_field(rate.request_volume, base.request_volume);
  lay_field(rate.limit, base.limit);
}

void lay(const OutlierDetection::Detectors& detectors, OutlierDetection::Detectors& base) {
  lay_object(detectors.total, base.total);
  lay_object(detectors.gateway, base.gateway);
  lay_object(detectors.local_origin, base.local_origin);
  lay_object(detectors.success_rate, base.success_rate);
  lay_object(detectors.failure_percentage, base.failure_percentage);
}

void lay(const OutlierDetection& outlier, OutlierDetection& base) {
  lay_field(outlier.disabled, base.disabled);
  lay_field(outlier.interval_ms, base.interval_ms);
  lay_field(outlier.base_ejection_ms, base.base_ejection_ms);
  lay_field(outlier.max_ejection_percent, base.max_ejection_percent);
  lay_field(outlier.split, base.split);
  lay_object(outlier.detectors, base.detectors);
  lay_field(outlier.panic_percent, base.panic_percent);
}

}  // namespace

void merge(const Conf& conf, Conf& base) {
  lay_object(conf.locality, base.locality);
  lay_object(conf.balancer, base.balancer);
  lay_object(conf.outlier, base.outlier);
}

}  // namespace vicinity::policy::kuma
