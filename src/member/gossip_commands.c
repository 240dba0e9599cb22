#include "member/gossip_commands.h"
#include "base/check.h"
#include "member/said_keys.h"

enum { GOSSIP_PROBLEM_BYTES = 512, GOSSIP_INFO_BYTES = 16 << 10 };

/* ---- saying ---- */

static void run_set(const struct gossip_call *call) {
    struct buffer problem;
    buffer_init(&problem, GOSSIP_PROBLEM_BYTES);
    struct bytes key = call->arguments[2], value = call->arguments[3];
    if (gossip_key_check(gossiper_gossip(call->gossiper), key, value, &problem) != 0) {
        reply_error_format(call->reply, "ERR %.*s", BYTES_PRINT(buffer_bytes(&problem)));
    } else {
        gossiper_say(call->gossiper, key, value);
        reply_ok(call->reply);
    }
    buffer_release(&problem);
}

static void run_del(const struct gossip_call *call) {
    const struct gossip *gossip = gossiper_gossip(call->gossiper);
    int64_t count = 0;
    for (size_t i = 2; i < call->argument_count; i++) {
        if (!gossip_key_is_own(call->arguments[i]))
            continue;
        reply_error_format(call->reply, "ERR '%.*s' is what the node says by itself",
                           BYTES_PRINT(call->arguments[i]));
        return;
    }
    for (size_t i = 2; i < call->argument_count; i++) {
        struct bytes key = call->arguments[i];
        if (gossip_get(gossip, gossip_member_at(gossip, 0), key).length == 0)
            continue;
        gossiper_say(call->gossiper, key, BYTES_NONE);
        count++;
    }
    reply_integer(call->reply, count);
}

/* ---- the cluster ---- */

static void run_seed(const struct gossip_call *call) {
    struct buffer problem;
    buffer_init(&problem, GOSSIP_PROBLEM_BYTES);
    if (gossiper_seed_text(call->gossiper, call->arguments[2], &problem) == 0)
        reply_ok(call->reply);
    else
        reply_error_format(call->reply, "ERR %.*s", BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
}

/* Microseconds, measured or estimated; null where neither is known. */
static void run_rtt(const struct gossip_call *call) {
    const struct gossip *gossip = gossiper_gossip(call->gossiper);
    const struct gossip_member *self = gossip_member_at(gossip, 0), *from = self;
    const struct gossip_member *to = gossip_call_member(call, call->arguments[2]);
    if (to == NULL)
        return;
    if (call->argument_count > 4) {
        reply_error(call->reply, REPLY_SYNTAX);
        return;
    }
    if (call->argument_count == 4) {
        from = to;
        to = gossip_call_member(call, call->arguments[3]);
        if (to == NULL)
            return;
    }
    const struct gossip_member *other = from == self ? to : from;
    bool is_measured = (from == self || to == self) && other->contact->round_trip_us > 0;
    uint64_t estimated_us;
    if (from == to)
        reply_integer(call->reply, 0);
    else if (is_measured)
        reply_integer(call->reply, (int64_t)other->contact->round_trip_us);
    else if (gossip_round_trip_us(gossip, from, to, &estimated_us))
        reply_integer(call->reply, (int64_t)estimated_us);
    else
        reply_null(call->reply);
}

static void info_members(const struct gossip *gossip, struct buffer *out) {
    size_t counts[GOSSIP_STATE_COUNT] = {0};
    for (size_t i = 0; i < gossip_member_count(gossip); i++)
        counts[gossip_member_at(gossip, i)->state]++;
    buffer_append_format(out, "members:%zu\r\n", gossip_member_count(gossip));
    for (unsigned i = 0; i < GOSSIP_STATE_COUNT; i++)
        buffer_append_format(out, "members_%s:%zu\r\n",
                             gossip_state_text((enum gossip_member_state)i), counts[i]);
}

static void info_counters(const struct gossip *gossip, struct buffer *out) {
    struct gossip_counters counters;
    gossip_counters(gossip, &counters);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"datagrams_sent", counters.datagrams_sent},
                {"datagrams_received", counters.datagrams_received},
                {"bytes_sent", counters.bytes_sent},
                {"bytes_received", counters.bytes_received},
                {"malformed", counters.malformed},
                {"probes_sent", counters.probes_sent},
                {"probes_failed", counters.probes_failed},
                {"indirect_probes", counters.indirect_probes},
                {"suspicions", counters.suspicions},
                {"refutations", counters.refutations},
                {"deaths", counters.deaths},
                {"local_health", counters.local_health},
                {"datagrams_replayed", counters.replayed},
                {"datagrams_unproven", counters.unproven},
                {"unproven_answered", counters.unproven_answered},
                {"stream_tries", counters.stream_tries},
                {"name_conflicts", counters.name_conflicts},
                {"identity_conflicts", counters.identity_conflicts},
                {"fan_out", counters.fan_out},
                {"flush_us", counters.flush_us},
                {"clock_skew_us", counters.clock_skew_us}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        buffer_append_format(out, "%s:%llu\r\n", rows[i].name, (unsigned long long)rows[i].value);
}

static void info_setting(void *context, const char *name, const char *value) {
    buffer_append_format(context, "%s:%s\r\n", name, value);
}

/* Lines as those of INFO: the members, what was counted, and the settings that steer it. */
void gossip_info(const struct gossiper *gossiper, struct buffer *out) {
    buffer_append_text(out, "# Gossip\r\n");
    info_members(gossiper_gossip(gossiper), out);
    info_counters(gossiper_gossip(gossiper), out);
    config_get(gossiper_config(gossiper), BYTES_LITERAL("gossip-*"), info_setting, out);
}

static void run_info(const struct gossip_call *call) {
    struct buffer text;
    buffer_init(&text, GOSSIP_INFO_BYTES);
    gossip_info(call->gossiper, &text);
    reply_verbatim(call->reply, buffer_bytes(&text));
    buffer_release(&text);
}

/* An agent takes LEAVE itself. */
static void run_leave(const struct gossip_call *call) {
    reply_error(call->reply,
                "ERR this node holds replicas of shards; `trothdb cluster remove` takes "
                "it out, and SIGTERM stops it");
}

static void run_help(const struct gossip_call *call) {
    static const char *const lines[] = {
        "GOSSIP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "MEMBERS [STATE <state>] [TAG <key> <value>]",
        "    All members, or those in a state, or that say a key so: a map each.",
        "MEMBER <name|id>",
        "    One member: the first 8 digits of its id are enough.",
        "GET <name|id> <key>",
        "    What a member says under a key.",
        "GETALL <name|id>",
        "    All that a member says.",
        "SET <key> <value>",
        "    Says something of this node to all, as long as its process lives.",
        "DEL <key> [<key> ...]",
        "    Says it no more; how many keys there were.",
        "WATCH",
        "    Pushes every change to this connection (RESP3); UNWATCH ends that. SUBSCRIBE",
        "    __gossip__:members and __gossip__:key:<key> tell the same as JSON.",
        "UNWATCH",
        "    Ends WATCH.",
        "RTT <name|id> [<name|id>]",
        "    The round trip to a member, or between two, in microseconds, where it is known.",
        "INFO",
        "    Members by state, counters, settings.",
        "KEYS LIST|ADD <key>|USE <id>|REMOVE <id>",
        "    The cluster keys of this member, by their ids. To rotate: ADD the new key on every",
        "    member, then USE it on every member, then REMOVE the old one on every member.",
        "SEED <host:port>",
        "    Joins what that member knows, and finds it again whenever it is lost. A name is",
        "    looked up again each time.",
        "FAULT SET <rule> [<rule> ...] | CLEAR | LIST",
        "    Cuts, loses, delays and duplicates gossip by rules such as \"loss 20%\"; for",
        "    drills, where the process was started with --fault-injection yes.",
        "LEAVE",
        "    Says goodbye to all and ends the process (agents only)."};
    reply_help(call->reply, lines, sizeof lines / sizeof *lines);
}

/* ---- the table ---- */

void gossip_command_run(const struct gossip_call *call) {
    static const struct {
        const char *name;
        void (*run)(const struct gossip_call *call);
    } rows[] = {{"gossip|members", gossip_reply_members},
                {"gossip|member", gossip_reply_member},
                {"gossip|get", gossip_reply_key},
                {"gossip|getall", gossip_reply_keys},
                {"gossip|set", run_set},
                {"gossip|del", run_del},
                {"gossip|rtt", run_rtt},
                {"gossip|info", run_info},
                {"gossip|keys", gossip_ring_run},
                {"gossip|seed", run_seed},
                {"gossip|leave", run_leave},
                {"gossip|fault", gossip_fault_run},
                {"gossip|help", run_help}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, call->command->name) == 0) {
            rows[i].run(call);
            return;
        }
    UNREACHABLE();
}
