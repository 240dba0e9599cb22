#include "server/server.h"
#include "base/exit_code.h"
#include "base/memory.h"
#include "io/real/entropy.h"
#include "io/real/real_disk.h"
#include "io/real/socket.h"
#include "member/gossiper.h"
#include "process/addresses.h"
#include "process/log_sink.h"
#include "process/options.h"
#include "process/seeds.h"
#include "profile/profile.h"
#include "server/gossip_thread.h"
#include "server/lifetime.h"
#include "server/worker_thread.h"
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum { PROBLEM_MAXIMUM_BYTES = 16 << 10, PATH_MAXIMUM_BYTES = 4096 };

struct sockets {
    int *clients, *peers; /* one a worker */
    int admin, datagram;
};

/* Who connects takes descriptors, and without one the log has no next segment, which ends the node:
 * so others get no more than the system leaves, whatever the settings say now or later. */
static void share_files(struct server *server, const struct log *log) {
    server->files = file_share_take(server->worker_count);
    node_shared_limit_clients(server->shared, server->files.clients);
    file_share_log(&server->files, log, (uint64_t)server->config.maxclients);
}

static int read_settings(struct server *server, struct addresses *bound, struct buffer *problem) {
    struct addresses announced;
    struct seeds seeds;
    int code = addresses_of(&server->config, bound, &announced, problem);
    if (code == 0)
        code = seeds_parse(&seeds, server->config.join, problem);
    if (code == 0)
        code = gossiper_check_name(server->config.name, problem);
    if (code == 0 && server->config.cluster_key_file[0] != '\0')
        code = seal_new_from_file(&server->seal, server->config.cluster_key_file,
                                  server->config.cluster_name, problem);
    server->client_address = announced.client;
    server->peer_address = announced.peer;
    server->admin_address = announced.admin;
    return code;
}

static int open_sockets(struct server *server, const struct addresses *bound,
                        struct sockets *sockets, struct buffer *problem) {
    sockets->clients = memory_allocate_zeroed(server->worker_count, sizeof *sockets->clients);
    sockets->peers = memory_allocate_zeroed(server->worker_count, sizeof *sockets->peers);
    int code =
        socket_listen(&bound->client, "port", sockets->clients, server->worker_count, problem);
    if (code == 0)
        code =
            socket_listen(&bound->peer, "peer-port", sockets->peers, server->worker_count, problem);
    if (code == 0)
        code = socket_bind_datagram(&bound->peer, "peer-port", &sockets->datagram, problem);
    if (code == 0)
        code = socket_listen(&bound->admin, "admin-port", &sockets->admin, 1, problem);
    return code;
}

static int wait_for_workers(struct server *server, unsigned first, struct buffer *problem) {
    int code = 0;
    for (unsigned i = first; i < server->worker_count && code == 0; i++)
        code = worker_thread_wait_ready(server->workers[i], problem);
    return code;
}

/* Worker 0 last: it may found a cluster, and a node that is in one has the logs of all its workers.
 */
static int start_workers(struct server *server, const struct sockets *sockets,
                         struct disk *node_disk, struct buffer *problem) {
    char(*directories)[PATH_MAXIMUM_BYTES] =
        memory_allocate_zeroed(server->worker_count, sizeof *directories);
    int code = 0;
    for (unsigned i = server->worker_count; i-- > 0 && code == 0;) {
        snprintf(directories[i], sizeof *directories, "%s/worker-%u", server->config.dir, i);
        struct worker_thread_parts parts = {directories[i], node_disk, sockets->clients[i],
                                            sockets->peers[i]};
        if (i == 0)
            code = wait_for_workers(server, 1, problem);
        if (code == 0)
            worker_thread_start(server->workers[i], &parts);
    }
    if (code == 0)
        code = worker_thread_wait_ready(server->workers[0], problem);
    memory_free(directories);
    return code;
}

static int start_threads(struct server *server, const struct sockets *sockets,
                         struct disk *node_disk, struct buffer *problem) {
    server->gossip = gossip_thread_new(server, sockets->datagram, sockets->admin, problem);
    if (server->gossip == NULL)
        return ERR_IO;
    server->gossip_mailbox = gossip_thread_mailbox(server->gossip);
    int code = start_workers(server, sockets, node_disk, problem);
    if (code != 0)
        return code;
    gossip_thread_start(server->gossip);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_thread_order(server->workers[i], ORDER_LISTEN);
    return 0;
}

static void make_workers(struct server *server) {
    unsigned count = server->worker_count;
    server->workers = memory_allocate_zeroed(count, sizeof *server->workers);
    server->worker_mailboxes = memory_allocate_zeroed(count, sizeof *server->worker_mailboxes);
    for (unsigned i = 0; i < count; i++) {
        server->workers[i] = worker_thread_new(server, i);
        server->worker_mailboxes[i] = worker_thread_mailbox(server->workers[i]);
    }
}

static int start_node(struct server *server, const struct sockets *sockets,
                      struct buffer *problem) {
    struct disk *node_disk;
    uint8_t fresh_uuid[NODE_UUID_BYTES];
    make_workers(server);
    if (strlen(server->config.dir) > PATH_MAXIMUM_BYTES - 32) {
        buffer_append_text(problem, "dir: the path is too long");
        return ERR_INVALID;
    }
    struct disk_real_problem cause;
    int code = disk_real_open(server->config.dir, worker_thread_loop(server->workers[0]),
                              &node_disk, &cause);
    if (code != 0) {
        buffer_append_text(problem, cause.text);
        return code;
    }
    entropy_uuid(fresh_uuid);
    code = identity_open(node_disk, fresh_uuid, server->worker_count, &server->identity, problem);
    return code == 0 ? start_threads(server, sockets, node_disk, problem) : code;
}

static void log_serving(const struct server *server, const struct log *log) {
    char client[SOCKET_NAME_BYTES], peer[SOCKET_NAME_BYTES], admin[SOCKET_NAME_BYTES],
        id[NODE_ID_TEXT_BYTES];
    net_address_format(&server->client_address, client);
    net_address_format(&server->peer_address, peer);
    net_address_format(&server->admin_address, admin);
    identity_node_id(server->identity.uuid, id);
    log_line(log, LOG_INFO, "serving", LOG_T("client", client), LOG_T("peer", peer),
             LOG_T("admin", admin), LOG_T("node", id),
             LOG_F("generation", server->identity.generation),
             LOG_F("workers", server->worker_count), LOG_T("dir", server->config.dir),
             LOG_T("sealed", server->seal ? "yes" : "no"), LOG_T("version", TROTHDB_VERSION));
}

/* A copy of the directory was started more often than this one. Nobody has the directory open. */
static void keep_generation(const struct server *server, const struct log *log, uint64_t later) {
    struct disk *disk;
    struct disk_real_problem cause;
    if (later <= server->identity.generation)
        return;
    int code = disk_real_open(server->config.dir, NULL, &disk, &cause);
    if (code == 0) {
        code = identity_start_above(disk, &server->identity, later);
        disk_real_close(disk);
    }
    if (code != 0)
        log_line(log, LOG_WARN, "the file \"identity\" cannot be written",
                 LOG_T("cause", error_text(code)));
}

/* Once, at the start: no limit of memory, no port of TLS where somebody thinks there is. */
static void log_ineffective(const struct server *server, const struct log *log) {
    struct buffer names;
    buffer_init(&names, PROBLEM_MAXIMUM_BYTES);
    config_append_ineffective(&server->config, &names);
    buffer_append_u8(&names, 0);
    if (names.length > 1)
        log_line(log, LOG_WARN, "these settings of Redis have no effect here",
                 LOG_T("settings", (const char *)buffer_data(&names)));
    buffer_release(&names);
}

static int complain(const struct buffer *problem, int exit_code) {
    return options_complain("server", problem, exit_code);
}

/* The node with its settings read. A start that fails leaves threads behind, which the end of the
 * process takes. */
static int run_node(struct server *server, const struct options *options, struct buffer *problem) {
    struct addresses bound;
    struct sockets sockets;
    struct log log;
    signal(SIGPIPE, SIG_IGN);
    if (read_settings(server, &bound, problem) != 0)
        return complain(problem, EXIT_USAGE);
    log_sink_init(&log, &server->config);
    atomic_init(&server->log_level, (int)log.level);
    server->worker_count = (unsigned)server->config.workers;
    server->config_file = options->config_file;
    server->shared = node_shared_new(server->worker_count);
    server->profiler = profiler_new();
    share_files(server, &log);
    struct lifetime *lifetime = lifetime_new(server, options, &log);
    if (open_sockets(server, &bound, &sockets, problem) != 0 ||
        start_node(server, &sockets, problem) != 0) {
        complain(problem, EXIT_FAILED);
        _exit(EXIT_FAILED);
    }
    memory_free(sockets.clients);
    memory_free(sockets.peers);
    log_serving(server, &log);
    log_ineffective(server, &log);
    log_open_key(&log, &server->config);
    lifetime_run(lifetime);
    uint64_t later = gossip_thread_later_generation(server->gossip);
    gossip_thread_free(server->gossip);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_thread_free(server->workers[i]);
    keep_generation(server, &log, later);
    memory_free(server->workers);
    memory_free(server->worker_mailboxes);
    lifetime_free(lifetime);
    profiler_free(server->profiler);
    node_shared_free(server->shared);
    log_line(&log, LOG_INFO, "stopped");
    return 0;
}

int server_run(int argc, char **argv) {
    struct server *server = memory_allocate_zeroed(1, sizeof *server);
    struct options options;
    struct buffer problem;
    buffer_init(&problem, PROBLEM_MAXIMUM_BYTES);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
    int code = 0;
    if (sodium_init() < 0)
        buffer_append_text(&problem, "libsodium finds no source of randomness"),
            code = complain(&problem, EXIT_FAILED);
    else if (options_read(&options, argc, argv, &problem) != 0)
        code = complain(&problem, EXIT_USAGE);
    else if (options.wants_help)
        options_print_help();
    else if (options_load(&options, &server->config, &problem) != 0)
        code = complain(&problem, EXIT_USAGE);
    else {
        code = run_node(server, &options, &problem);
        seal_free(server->seal);
        config_release(&server->config);
    }
    buffer_release(&problem);
    memory_free(server);
    return code;
}
