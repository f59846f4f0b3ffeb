// The version of every resource this client holds, and what the current stream owes us of them.
// Keyed by a 64-bit hash of the resource's name: the names themselves are in the Snapshot, and a
// million second copies would cost more than everything else here. Control thread.
//
// Two names with one hash (chance about 3e-8 with a million names) share an entry: one of them is
// then claimed with the other's version, which a server answers by sending it again, and is held
// to have reappeared with the other, so that its removal may be missed until it is next announced.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vicinity::feed::xds {

class VersionStore {
 public:
  enum class Mark : uint8_t {
    kPending,  // known, but not named in the stream's first request: must reappear
    kClaimed,  // named in the first request
    kSeen,     // came on this stream
  };

  // What was known of a resource when it came.
  struct Sighting {
    Mark before = Mark::kSeen;
    bool known = false;
    bool same_version = false;  // and not empty
  };

  // A response of so many resources comes: the first one makes room for all of them at once.
  void expect(size_t resources);
  // Marks the resource as seen; its version stays, a name not known stays unknown.
  Sighting sight(std::string_view name, std::string_view version);
  // The resource was accepted in this version.
  void record(std::string_view name, std::string_view version);
  void erase(std::string_view name);
  // Before the first request of a stream: all that is held must reappear, but for what that
  // request claims. A name not known gets an entry without a version.
  void expect_all();
  void claim(std::string_view name);

  // Empty for a name not known.
  [[nodiscard]] std::string version(std::string_view name) const;
  [[nodiscard]] Mark mark_of(std::string_view name) const;
  [[nodiscard]] size_t size() const { return entries_.size(); }
  [[nodiscard]] size_t pending() const { return static_cast<size_t>(pending_); }
  [[nodiscard]] size_t claimed() const { return static_cast<size_t>(claimed_); }

 private:
  enum class Kind : uint8_t { kNone, kHex, kText };
  struct Entry {
    uint64_t hex = 0;  // istiod's versions are 64-bit hashes in hex, without leading zeros
    Kind kind = Kind::kNone;
    Mark mark = Mark::kSeen;
  };

  // What sight() found last; in a large store finding it again is most of what record() costs.
  struct Sighted {
    uint64_t key = 0;
    Entry* entry = nullptr;
  };

  void set_mark(Entry& entry, Mark mark);
  void count(Mark mark, ptrdiff_t difference);
  [[nodiscard]] std::string text(uint64_t key, const Entry& entry) const;

  absl::flat_hash_map<uint64_t, Entry> entries_;
  absl::flat_hash_map<uint64_t, std::string> texts_;  // versions of Kind::kText
  Sighted sighted_;
  ptrdiff_t pending_ = 0;
  ptrdiff_t claimed_ = 0;
};

}  // namespace vicinity::feed::xds
