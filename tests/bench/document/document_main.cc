// bench_document RESULTS DOCS: puts the results of a run, files in the folder RESULTS, into
// DOCS/benchmarks.md, and draws them beside it.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "base/status.h"
#include "bench/document/blocks.h"

namespace vicinity::bench {
namespace {

absl::Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file ? absl::OkStatus() : base::errno_status(path + ": write");
}

absl::Status write_document(const std::string& folder, const std::string& docs) {
  VIC_ASSIGN_OR_RETURN(const Results results, Results::read(folder));
  const std::string path = docs + "/benchmarks.md";
  std::ostringstream before;
  before << std::ifstream(path).rdbuf();
  VIC_ASSIGN_OR_RETURN(const std::string after, put_into(before.str(), blocks_of(results)));
  VIC_RETURN_IF_ERROR(write_file(path, after));
  for (const Picture& picture : pictures_of(results)) {
    VIC_RETURN_IF_ERROR(write_file(docs + "/" + picture.file, picture.svg));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_document RESULTS DOCS\n");
    return 2;
  }
  const absl::Status status = vicinity::bench::write_document(argv[1], argv[2]);
  if (!status.ok()) fmt::print(stderr, "bench_document: {}\n", vicinity::base::message(status));
  return status.ok() ? 0 : 1;
}
