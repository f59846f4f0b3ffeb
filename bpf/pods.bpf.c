// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Which process is in which network namespace, without entering any: an iterator over the tasks
 * that the reader can see. An object of its own, because it needs the kernel's BTF and CAP_PERFMON,
 * and lives as long as the daemon, not as a generation of tables.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <vicinity/abi.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define VIC_KERNEL_TYPE __attribute__((preserve_access_index))

/* What is read of the kernel's types; where it is, CO-RE finds out. */
struct ns_common {
  __u64 ns_id;
} VIC_KERNEL_TYPE;

struct net {
  __u64 net_cookie;
  struct ns_common ns;
} VIC_KERNEL_TYPE;

struct nsproxy {
  struct net* net_ns;
} VIC_KERNEL_TYPE;

struct upid {
  int nr;
} VIC_KERNEL_TYPE;

struct pid {
  unsigned int level;
  struct upid numbers[1];
} VIC_KERNEL_TYPE;

struct signal_struct {
  struct pid* pids[4];
} VIC_KERNEL_TYPE;

struct task_struct {
  int pid;
  int tgid;
  struct nsproxy* nsproxy;
  struct signal_struct* signal;
  struct pid* thread_pid;
} VIC_KERNEL_TYPE;

struct seq_file;

struct bpf_iter_meta {
  struct seq_file* seq;
} VIC_KERNEL_TYPE;

struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
} VIC_KERNEL_TYPE;

/* enum pid_type of the kernel, and more than its MAX_PID_NS_LEVEL. */
enum { VIC_PIDTYPE_TGID = 1, VIC_NUMBERS_ROOM = 1024 };

/* The number of the task's process in the reader's pid namespace; the array ends with the struct.
 */
static __always_inline __u32 vic_pid_seen_by_reader(struct task_struct* task) {
  const struct task_struct* reader = bpf_get_current_task_btf();
  __u64 offset = (__u64)reader->thread_pid->level * bpf_core_type_size(struct upid);
  asm volatile("" : "+r"(offset));
  offset &= VIC_NUMBERS_ROOM - 1; /* 6.1 adds nothing without bounds to a pointer */
  const struct pid* pid = task->signal->pids[VIC_PIDTYPE_TGID];
  const char* numbers = (const char*)pid + bpf_core_field_offset(struct pid, numbers);
  struct upid* at = (struct upid*)(numbers + offset);
  int nr = 0;
  if (bpf_core_read(&nr, sizeof(nr), &at->nr) != 0) return 0;
  return nr;
}

static __always_inline __u64 vic_netns_cookie(struct net* net) {
  if (bpf_core_field_exists(net->net_cookie)) return net->net_cookie;
  /* Later kernels number all namespaces alike. */
  if (bpf_core_field_exists(net->ns.ns_id)) return net->ns.ns_id;
  return 0;
}

SEC("iter/task")
int vic_tasks(struct bpf_iter__task* ctx) {
  struct task_struct* task = ctx->task;
  if (!task || task->pid != task->tgid || !task->nsproxy) return 0;
  const struct vic_task record = {.netns_cookie = vic_netns_cookie(task->nsproxy->net_ns),
                                  .pid = vic_pid_seen_by_reader(task),
                                  .reserved = 0};
  if (record.netns_cookie && record.pid) bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}
