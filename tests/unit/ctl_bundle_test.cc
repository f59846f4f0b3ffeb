// The archive of a bundle, and what is taken out of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "ctl/bundle_file.h"
#include "ctl/redact.h"
#include "ctl/tar.h"

namespace vicinity::ctl {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class BundleFile : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }

  void write(const std::map<std::string, std::string>& files) {
    auto writer = TarWriter::create(path_);
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const auto& [name, content] : files) ASSERT_TRUE(writer->add(name, content).ok());
    ASSERT_TRUE(writer->finish().ok());
  }
  std::map<std::string, std::string> read() {
    std::map<std::string, std::string> files;
    status_ = read_tar(path_, [&](std::string_view name, std::string content) {
      files.emplace(name, std::move(content));
      return true;
    });
    return files;
  }

  const std::string path_ =
      (fs::temp_directory_path() / ("bundle-test-" + std::to_string(getpid()))).string();
  absl::Status status_;
};

TEST_F(BundleFile, WhatIsWrittenIsRead) {
  const std::map<std::string, std::string> files{{"empty", ""},
                                                 {"one-block", std::string(512, 'x')},
                                                 {"replay/odd.pb", std::string(1337, '\0')},
                                                 {"text", "a line\n"}};
  write(files);
  EXPECT_EQ(read(), files);
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BundleFile, OtherProgramsReadIt) {
  write({{"README", "hello\n"}, {"replay/x", std::string(5000, 'y')}});
  const std::string command = "tar -tzf " + path_;
  FILE* pipe = ::popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  char line[256];
  std::string listed;
  while (fgets(line, sizeof(line), pipe) != nullptr) listed += line;
  EXPECT_EQ(::pclose(pipe), 0);
  EXPECT_EQ(listed, "README\nreplay/x\n");
}

TEST_F(BundleFile, DamageIsSaidAndNotTakenForAnAnswer) {
  write({{"text", std::string(100000, 'z')}});
  fs::resize_file(path_, fs::file_size(path_) / 2);
  read();
  EXPECT_THAT(status_.message(), HasSubstr("not a bundle, or damaged"));
  std::ofstream(path_) << "something else entirely, of more than a few bytes";
  read();
  EXPECT_THAT(status_.message(), HasSubstr("not a bundle, or damaged"));
  EXPECT_THAT(bundle_status(path_).status().message(), HasSubstr("damaged"));
  EXPECT_THAT(bundle_status("/no/such/file").status().message(), HasSubstr("No such file"));
}

struct Row {
  const char* text;
  const char* clean;
};

TEST(Redaction, SecretsGoAndTheRestStays) {
  const Redaction redaction({"the-known-secret", "short"});
  const Row rows[] = {
      {"feed error: eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl rejected", "feed error: (removed) rejected"},
      {"eyJ is no token", "eyJ is no token"},
      {"Authorization: Bearer abc.def-ghi", "Authorization: Bearer (removed)"},
      {"password=hunter2 next", "password=(removed) next"},
      {R"x({"token": "abc123", "b": 1})x", R"x({"token": "(removed)", "b": 1})x"},
      {"a the-known-secret b", "a (removed) b"},
      {"a short b", "a short b"},
      {"-----BEGIN CERTIFICATE-----\nMIIB\nAA==\n-----END CERTIFICATE-----\nafter",
       "(removed)\nafter"},
      {"-----BEGIN PRIVATE KEY-----\nMIIB", "(removed)"},
      {"service sample/token-service: port 80", "service sample/token-service: port 80"},
      {"--xds-token /var/run/secrets/tokens/istio-token",
       "--xds-token /var/run/secrets/tokens/istio-token"},
      {"", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(redaction.text(row.text), row.clean);
}

TEST(Redaction, ReachesEveryStringOfAMessage) {
  admin::StatusReply status;
  status.mutable_feed()->set_last_error("Bearer abcdefgh");
  status.add_rejected()->set_message("token=abcdefgh");
  status.add_conflicts("the-known-secret");
  Redaction({"the-known-secret"}).message(status);
  EXPECT_EQ(status.feed().last_error(), "Bearer (removed)");
  EXPECT_EQ(status.rejected(0).message(), "token=(removed)");
  EXPECT_EQ(status.conflicts(0), "(removed)");
}

}  // namespace
}  // namespace vicinity::ctl
