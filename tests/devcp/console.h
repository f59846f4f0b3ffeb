// The dev control plane's commands: a line in, a line of JSON out. One thread.
//
//   step            plays the next step           {"step": "01-delete-local", "left": 8}
//   steps           names of all, and the next    {"steps": [...], "next": 1}
//   status          clients, nonces, versions
//   wait-ack [SEC]  until every client has answered everything (10 s)   {"acked": true}
//   deny MESSAGE    ends streams from now on with MESSAGE; also the open ones
//   admit           ends that
//   parts N         answers to new streams come in N messages
//   close [MESSAGE] ends the open streams, with an error if there is a message
//   quit
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devcp/dev_control_plane.h"

namespace vicinity::devcp {

class Console {
 public:
  Console(DevControlPlane& plane, std::vector<Step> steps)
      : plane_(plane), steps_(std::move(steps)) {}

  // The answer, without a newline.
  std::string execute(std::string_view line);
  [[nodiscard]] bool quit() const { return quit_; }

 private:
  base::Json step();
  [[nodiscard]] base::Json list_steps() const;
  base::Json wait_ack(std::string_view seconds) const;
  base::Json deny(std::string_view message);
  base::Json set_parts(std::string_view count);
  base::Json run(std::string_view command, std::string_view rest);

  DevControlPlane& plane_;
  std::vector<Step> steps_;
  size_t next_ = 0;
  bool quit_ = false;
};

}  // namespace vicinity::devcp
