/* INFO: facts and figures in Redis's sections and under Redis's names, where a figure here means
 * the same. What has no truth here is left out. Figures of all workers come from node_shared.h, so
 * that any worker can answer for the node. */

#include "base/check.h"
#include "connection/redis_compatibility.h"
#include "io/process.h"
#include "session/commands/cluster_facts.h"
#include "session/commands/commands.h"
#include "session/commands/info_metrics.h"
#include "worker/leaders.h"
#include "worker/memory_limit.h"
#include "worker/statistics.h"
#include "worker/worker.h"

static uint64_t sum(const struct worker *worker, size_t offset) {
    return node_shared_sum(worker->shared, offset);
}
#define SUM(worker, field)                                                                         \
    ((unsigned long long)sum((worker), offsetof(struct worker_statistics, field)))

static void append_number(struct buffer *out, const char *name, unsigned long long value) {
    buffer_append_format(out, "%s:%llu\r\n", name, value);
}

static void append_text(struct buffer *out, const char *name, const char *text) {
    buffer_append_format(out, "%s:%s\r\n", name, text);
}

/* "1.50M": as Redis tells sizes to people. */
static void append_human(struct buffer *out, const char *name, uint64_t bytes) {
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    unsigned unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units - 1; unit++)
        value /= 1024;
    if (unit == 0)
        buffer_append_format(out, "%s:%lluB\r\n", name, (unsigned long long)bytes);
    else
        buffer_append_format(out, "%s:%.2f%c\r\n", name, value, units[unit]);
}

/* 40 hex digits that belong to this life of the node: another start, another id. */
static void append_run_id(const struct worker *worker, struct buffer *out) {
    struct bytes uuid = bytes_of(worker->identity.uuid, NODE_UUID_BYTES);
    uint64_t first = bytes_hash(uuid, worker->identity.generation);
    uint64_t second = bytes_hash(uuid, first), third = bytes_hash(uuid, second);
    buffer_append_format(out, "run_id:%016llx%016llx%08llx\r\n", (unsigned long long)first,
                         (unsigned long long)second, (unsigned long long)(third >> 32));
}

static void section_server(const struct worker *worker, struct buffer *out) {
    struct process_facts process;
    worker->io.process_facts(&process);
    uint64_t uptime_s = (worker_now_us(worker) - worker->started_us) / 1000000;
    append_text(out, "redis_version", REDIS_COMPATIBILITY_VERSION);
    append_text(out, "redis_mode", "cluster");
    append_text(out, "trothdb_version", TROTHDB_VERSION);
    if (process.system[0])
        append_text(out, "os", process.system);
    append_number(out, "arch_bits", sizeof(void *) * 8);
    append_number(out, "process_id", process.id);
    append_run_id(worker, out);
    append_number(out, "tcp_port", worker->client_address.port);
    append_number(out, "server_time_usec", worker_wall_ms(worker) * 1000);
    append_number(out, "uptime_in_seconds", uptime_s);
    append_number(out, "uptime_in_days", uptime_s / (24 * 3600));
    append_number(out, "workers", worker->count);
}

static void section_clients(const struct worker *worker, struct buffer *out) {
    append_number(out, "connected_clients", SUM(worker, clients));
    append_number(out, "cluster_connections",
                  worker->topology ? worker->topology->node_count - 1 : 0);
    append_number(out, "maxclients", worker_client_maximum(worker));
    append_number(out, "blocked_clients", 0);
    append_number(out, "tracking_clients", 0);
}

/* used_memory is keys and values with their overhead, deleted ones until they are freed; rss and
 * peak are the whole process's. */
static void section_memory(const struct worker *worker, struct buffer *out) {
    struct process_facts process;
    worker->io.process_facts(&process);
    uint64_t used = memory_limit_used(worker), most = (uint64_t)worker->config.maxmemory;
    append_number(out, "used_memory", used);
    append_human(out, "used_memory_human", used);
    append_number(out, "used_memory_rss", process.resident_bytes);
    append_human(out, "used_memory_rss_human", process.resident_bytes);
    append_number(out, "used_memory_rss_peak", process.resident_most_bytes);
    append_human(out, "used_memory_rss_peak_human", process.resident_most_bytes);
    append_number(out, "used_memory_dataset", SUM(worker, memory_bytes));
    append_number(out, "total_system_memory", process.machine_bytes);
    append_human(out, "total_system_memory_human", process.machine_bytes);
    append_number(out, "maxmemory", most);
    append_human(out, "maxmemory_human", most);
    append_text(out, "maxmemory_policy", "noeviction");
    append_number(out, "lazyfree_pending_objects", SUM(worker, unfreed_keys));
}

/* The log is Redis's append-only file with `appendfsync always`: a failed write ends the process,
 * so the last was well, unless the disk is full and nothing is written. */
static const char *wanting_word(int wanting) {
    return wanting == 0               ? "nothing"
           : wanting == ERR_NO_SPACE  ? "space"
           : wanting == ERR_NO_MEMORY ? "memory"
                                      : "files";
}

static void section_persistence(const struct worker *worker, struct buffer *out) {
    bool is_full = SUM(worker, is_disk_full) > 0;
    bool is_async = worker->config.durability == DURABILITY_ASYNC;
    append_text(out, "durability", is_async ? "async" : "sync");
    append_text(out, "durability_risk", config_durability_risk(&worker->config));
    append_number(out, "durability_async_ms",
                  (unsigned long long)worker->config.durability_async_ms);
    append_number(out, "loading", 0); /* no client is served before recovery has ended */
    append_number(out, "async_loading", 0);
    append_number(out, "aof_enabled", 1);
    append_number(out, "aof_rewrite_in_progress", 0);
    append_text(out, "aof_last_write_status", is_full ? "err" : "ok");
    append_number(out, "disk_full", is_full);
    append_text(out, "log_waits_for", wanting_word(node_shared_log_wanting(worker->shared)));
}

static void append_kilobytes(struct buffer *out, const char *name, uint64_t bytes) {
    buffer_append_format(out, "%s:%.2f\r\n", name, (double)bytes / 1024);
}

/* Left out: what is about forks, replication by offset, eviction by memory, and subscriptions,
 * which here are to channels of gossip. */
static void section_stats(const struct worker *worker, struct buffer *out) {
    append_number(out, "total_connections_received", SUM(worker, connections_total));
    append_number(out, "total_commands_processed", SUM(worker, commands_total));
    append_number(out, "instantaneous_ops_per_sec", SUM(worker, commands_per_second));
    append_number(out, "total_net_input_bytes", SUM(worker, input_bytes_total));
    append_number(out, "total_net_output_bytes", SUM(worker, output_bytes_total));
    append_kilobytes(out, "instantaneous_input_kbps", SUM(worker, input_bytes_per_second));
    append_kilobytes(out, "instantaneous_output_kbps", SUM(worker, output_bytes_per_second));
    append_number(out, "rejected_connections", SUM(worker, rejected_connections_total));
    append_number(out, "expired_keys", SUM(worker, expired_keys));
    append_number(out, "evicted_keys", 0);
    append_number(out, "keyspace_hits", SUM(worker, keyspace_hits));
    append_number(out, "keyspace_misses", SUM(worker, keyspace_misses));
    append_number(out, "total_error_replies", SUM(worker, error_replies_total));
}

/* Of all replicas here: how far their logs are applied. */
static uint64_t applied_total(const struct worker *worker) {
    uint64_t total = 0;
    for (unsigned i = 1; worker->topology && i < worker->topology->shard_count; i++) {
        total +=
            statistic_of(&worker->shared->shards[worker->topology->shards[i].number].applied_index);
    }
    return total;
}

static bool follows_this_node(const struct worker *worker, const struct topology_node *node) {
    const struct member_view_entry *member = member_view_find(&worker->members, node->uuid);
    if (node->number == worker->self || !member || member->state != GOSSIP_ALIVE)
        return false;
    for (unsigned i = 1; i < worker->topology->shard_count; i++) {
        const struct topology_shard *shard = &worker->topology->shards[i];
        if (leaders_is_here(worker, shard->number) &&
            topology_shard_has_replica(shard, node->number))
            return true;
    }
    return false;
}

static void append_followers(const struct worker *worker, struct buffer *out) {
    unsigned count = 0;
    for (unsigned i = 0; worker->topology && i < worker->topology->node_count; i++)
        count += follows_this_node(worker, &worker->topology->nodes[i]);
    append_number(out, "connected_slaves", count);
    count = 0;
    for (unsigned i = 0; worker->topology && i < worker->topology->node_count; i++) {
        const struct topology_node *node = &worker->topology->nodes[i];
        if (follows_this_node(worker, node)) {
            buffer_append_format(out, "slave%u:ip=%s,port=%u,state=online\r\n", count++,
                                 node->address.host, node->address.client_port);
        }
    }
}

static void append_master(const struct worker *worker, uint32_t master, struct buffer *out) {
    const struct topology_node *node = topology_node(worker->topology, master);
    CHECK(node != NULL);
    const struct member_view_entry *member = member_view_find(&worker->members, node->uuid);
    bool is_up = !member || gossip_state_is_live(member->state);
    append_text(out, "master_host", node->address.host);
    append_number(out, "master_port", node->address.client_port);
    append_text(out, "master_link_status", is_up ? "up" : "down");
    append_number(out, "master_sync_in_progress", 0);
    append_number(out, "slave_repl_offset", applied_total(worker));
    append_number(out, "slave_read_only", 1);
}

static void section_replication(const struct worker *worker, struct buffer *out) {
    uint32_t master = cluster_master_of(worker, worker->self);
    append_text(out, "role", master ? "slave" : "master");
    if (master)
        append_master(worker, master, out);
    append_followers(worker, out);
    if (worker->topology) {
        char id[NODE_ID_TEXT_BYTES]; /* one history: the cluster's */
        identity_node_id(worker->topology->cluster_id, id);
        append_text(out, "master_replid", id);
    }
    append_number(out, "master_repl_offset", applied_total(worker));
}

static void append_time(struct buffer *out, const char *name, uint64_t time_us) {
    buffer_append_format(out, "%s:%llu.%06llu\r\n", name, (unsigned long long)time_us / 1000000,
                         (unsigned long long)time_us % 1000000);
}

static void section_cpu(const struct worker *worker, struct buffer *out) {
    struct process_facts process;
    worker->io.process_facts(&process);
    append_time(out, "used_cpu_sys", process.system_us);
    append_time(out, "used_cpu_user", process.user_us);
    append_time(out, "used_cpu_sys_worker_thread", process.thread_system_us);
    append_time(out, "used_cpu_user_worker_thread", process.thread_user_us);
}

static void section_modules(const struct worker *worker, struct buffer *out) {
    (void)worker, (void)out;
}

static void section_cluster(const struct worker *worker, struct buffer *out) {
    (void)worker;
    append_number(out, "cluster_enabled", 1);
}

static void section_keyspace(const struct worker *worker, struct buffer *out) {
    unsigned long long keys = SUM(worker, keys);
    if (keys > 0) {
        buffer_append_format(out, "db0:keys=%llu,expires=%llu,avg_ttl=0\r\n", keys,
                             SUM(worker, expiring_keys));
    }
}

static void section_trothdb(const struct worker *worker, struct buffer *out) {
    append_number(out, "node", worker->self);
    append_number(out, "generation", worker->identity.generation);
    append_number(out, "topology_epoch", worker->topology ? worker->topology->epoch : 0);
    append_number(out, "feature_level", worker->topology ? worker->topology->level : 0);
    append_number(out, "nodes", worker->topology ? worker->topology->node_count : 0);
    append_number(out, "shards", worker->topology ? worker->topology->shard_count - 1 : 0);
    append_number(out, "shards_hosted", SUM(worker, shards_hosted));
    append_number(out, "shards_led", SUM(worker, shards_led));
    append_number(out, "shards_without_leader", SUM(worker, shards_without_leader));
    append_number(out, "replicas_in_repair", SUM(worker, replicas_in_repair));
    append_number(out, "scrub_damages", SUM(worker, scrub_damages));
    append_number(out, "cluster_settings_refused", SUM(worker, is_cluster_refused));
}

/* ---- which sections ---- */

static const struct {
    const char *name, *title;
    void (*append)(const struct worker *worker, struct buffer *out);
    bool is_default;
} SECTIONS[] = {{"server", "Server", section_server, true},
                {"clients", "Clients", section_clients, true},
                {"memory", "Memory", section_memory, true},
                {"persistence", "Persistence", section_persistence, true},
                {"stats", "Stats", section_stats, true},
                {"replication", "Replication", section_replication, true},
                {"cpu", "CPU", section_cpu, true},
                {"modules", "Modules", section_modules, true},
                {"commandstats", "Commandstats", info_commandstats, false},
                {"errorstats", "Errorstats", info_errorstats, true},
                {"cluster", "Cluster", section_cluster, true},
                {"keyspace", "Keyspace", section_keyspace, true},
                {"trothdb", "TrothDB", section_trothdb, true}};

static bool is_asked_for(const struct session_command *call, size_t section) {
    for (size_t i = 1; i < call->argument_count; i++) {
        struct bytes word = call->arguments[i];
        if (bytes_equal_ignoring_case(word, SECTIONS[section].name) ||
            bytes_equal_ignoring_case(word, "all") ||
            bytes_equal_ignoring_case(word, "everything") ||
            (SECTIONS[section].is_default && bytes_equal_ignoring_case(word, "default")))
            return true;
    }
    return call->argument_count == 1 && SECTIONS[section].is_default;
}

bool info_command(struct session_command *call) {
    struct buffer text;
    buffer_init(&text, SIZE_MAX);
    for (size_t i = 0; i < sizeof(SECTIONS) / sizeof(SECTIONS[0]); i++) {
        if (is_asked_for(call, i)) {
            buffer_append_format(&text, "%s# %s\r\n", text.length ? "\r\n" : "", SECTIONS[i].title);
            SECTIONS[i].append(call->worker, &text);
        }
    }
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
    return true;
}
