#include "bench/peers/followed.h"

#include <numeric>
#include <utility>

#include "base/status.h"
#include "support/wait.h"

namespace vicinity::bench {
namespace {

using namespace std::chrono_literals;

constexpr absl::Duration kPatience = absl::Minutes(5);

}  // namespace

absl::StatusOr<std::unique_ptr<Followed>> Followed::make(const LoadSpec& spec,
                                                         const Workspace& workspace) {
  std::unique_ptr<Followed> self(new Followed(spec));
  VIC_ASSIGN_OR_RETURN(self->netns_, testing::Netns::create());
  absl::StatusOr<std::unique_ptr<FeedServer>> server =
      testing::run_in(*self->netns_, [] { return FeedServer::start(0); });
  VIC_ASSIGN_OR_RETURN(self->server_, std::move(server));
  VIC_ASSIGN_OR_RETURN(Daemon daemon,
                       Daemon::create(workspace, *self->netns_, self->server_->port()));
  self->daemon_.emplace(std::move(daemon));
  VIC_RETURN_IF_ERROR(self->daemon_->start().status());
  VIC_RETURN_IF_ERROR(self->server_->wait_stream(absl::Seconds(30)).status());
  std::vector<uint32_t> all(self->load_.resources());
  std::iota(all.begin(), all.end(), 0);
  VIC_RETURN_IF_ERROR(self->change(all).status());
  return self;
}

void Followed::send(const std::vector<uint32_t>& resources,
                    const std::vector<std::string>& removed) {
  std::vector<std::string> encoded;
  encoded.reserve(resources.size());
  for (const uint32_t resource : resources) encoded.push_back(load_.resource(resource));
  server_->send(encode_response(encoded, removed, server_->next_nonce()));
}

// The answer to the empty response that follows tells of the tables of the first.
absl::StatusOr<int64_t> Followed::change(const std::vector<uint32_t>& resources,
                                         const std::vector<std::string>& removed) {
  const uint64_t nonce = server_->next_nonce();
  send(resources, removed);
  send({}, {});
  VIC_RETURN_IF_ERROR(server_->wait_answers(kPatience));
  return server_->answered_ns(nonce + 1) - server_->sent_ns(nonce);
}

uint64_t Followed::settled_bytes() const {
  uint64_t before = 0;
  for (int second = 0; second < 10 && before != daemon_->anonymous(); ++second) {
    before = daemon_->anonymous();
    testing::pause_for(1s);
  }
  return daemon_->memory().resident;
}

absl::StatusOr<Client> Followed::client() {
  VIC_ASSIGN_OR_RETURN(client_netns_, make_endpoint_netns());
  return Client::start(*client_netns_, daemon_->cgroup());
}

}  // namespace vicinity::bench
