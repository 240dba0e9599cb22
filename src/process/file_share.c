#include "process/file_share.h"
#include "rpc/grpc_server.h"
#include <sys/resource.h>

static uint64_t less(uint64_t a, uint64_t b) { return a < b ? a : b; }

struct file_share file_share_of(uint64_t allowed, unsigned worker_count) {
    uint64_t own = less(FILE_SHARE_OWN, allowed / 2), others = allowed - own;
    uint64_t peers = less(GRPC_SERVER_CONNECTION_MAXIMUM, others / 4 / worker_count);
    if (peers < FILE_SHARE_PEERS_LEAST)
        peers = FILE_SHARE_PEERS_LEAST;
    uint64_t all_peers = peers * worker_count;
    return (struct file_share){.allowed = allowed,
                               .peers = (unsigned)peers,
                               .clients = others > all_peers ? others - all_peers : 1};
}

struct file_share file_share_take(unsigned worker_count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return file_share_of(FILE_SHARE_ALLOWED_MAXIMUM, worker_count);
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    return file_share_of(less(limit.rlim_cur, FILE_SHARE_ALLOWED_MAXIMUM), worker_count);
}

void file_share_log(const struct file_share *share, const struct log *log, uint64_t maxclients) {
    if (share->clients >= maxclients)
        return;
    log_line(log, LOG_WARN,
             "the system allows fewer open files than maxclients needs, so fewer clients are "
             "served; raise `ulimit -n`",
             LOG_F("allowed", share->allowed), LOG_F("clients", share->clients),
             LOG_F("maxclients", maxclients));
}
