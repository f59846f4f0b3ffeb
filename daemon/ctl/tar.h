// A gzipped tar archive (POSIX ustar), written and read by ourselves. One thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct gzFile_s;  // NOLINT(readability-identifier-naming): zlib calls it so

namespace vicinity::ctl {

struct CloseGzip {
  void operator()(gzFile_s* file) const;
};
using Gzip = std::unique_ptr<gzFile_s, CloseGzip>;

class TarWriter {
 public:
  // Mode 0600. Error: the file cannot be made.
  [[nodiscard]] static absl::StatusOr<TarWriter> create(const std::string& path);
  // `name` is relative and at most 100 bytes.
  [[nodiscard]] absl::Status add(std::string_view name, std::string_view content);
  // The end of the archive; whatever could not be written before is known now.
  [[nodiscard]] absl::Status finish();

 private:
  TarWriter(std::string path, Gzip file) : path_(std::move(path)), file_(std::move(file)) {}
  [[nodiscard]] absl::Status write(std::string_view bytes);

  std::string path_;
  Gzip file_;
};

// Calls `take` with each file of the archive, in its order, until it says false. Invalid: no such
// file, or not one of ours.
[[nodiscard]] absl::Status read_tar(
    const std::string& path,
    const std::function<bool(std::string_view name, std::string content)>& take);

}  // namespace vicinity::ctl
