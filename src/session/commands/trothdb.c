/* TROTHDB: what a person or `trothdb cluster` asks of a node and Redis has no word for. STATUS is
 * in status.c. */
#include "base/check.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "base/text/number.h"
#include "replica/shards/backups.h"
#include "replica/topology/control.h"
#include "replica/topology/levels.h"
#include "session/calls/ask.h"
#include "session/calls/calls.h"
#include "session/client/durability.h"
#include "session/client/session.h"
#include "session/commands/commands.h"
#include "session/commands/config.h"
#include "session/commands/trothdb_help.h"
#include "worker/leaders.h"
#include "worker/settings.h"
#include "worker/worker.h"

/* ---- FOUND ---- */

static void found(struct worker *worker, struct bytes topology, struct reply *reply) {
    struct buffer problem;
    buffer_init(&problem, 1024);
    if (control_found(worker, topology, &problem))
        reply_error_format(reply, "ERR %.*s", BYTES_PRINT(buffer_bytes(&problem)));
    else
        reply_ok(reply);
    buffer_release(&problem);
}

/* Worker 0 alone decides on the topology. False: its answer comes by mail. */
static bool found_or_ask(struct session_command *call) {
    struct worker *worker = call->worker;
    if (worker->index == 0) {
        found(worker, call->arguments[2], call->reply);
        return true;
    }
    struct mail *mail = mail_new(MAIL_TOPOLOGY, worker->index);
    mail->flags = MAIL_TOPOLOGY_IS_FOUNDING;
    mail->target = &call->session->target;
    mail->ticket = session_expect(call->session, 0, 0);
    buffer_append_bytes(&mail->bytes, call->arguments[2]);
    worker_post(worker, 0, mail);
    return false;
}

void trothdb_found_mail(struct worker *worker, struct mail *mail) {
    struct mail *back = mail_new(MAIL_REPLY, worker->index);
    back->target = mail->target;
    back->ticket = mail->ticket;
    back->status = SHARD_DONE;
    struct reply reply = {.out = &back->bytes,
                          .protocol = 2}; /* a status or an error: the same in RESP3 */
    found(worker, buffer_bytes(&mail->bytes), &reply);
    worker_post(worker, mail->from, back);
}

/* ---- SNAPSHOT ---- */

static void answer_snapshot(struct worker *worker, const struct ask_words *words,
                            struct ask_answer *answer) {
    int64_t wanted = -1;
    bool is_one = words->argument_count > 2 && number_parse_i64(words->arguments[2], &wanted);
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        if (!is_one || worker->hosted[i] == wanted) {
            shard_take_snapshot(worker->shards[worker->hosted[i]]);
            answer->number++;
        }
    }
}

static bool snapshot(struct session_command *call) {
    static const struct ask_question SNAPSHOT = {.answer = answer_snapshot,
                                                 .reply = ask_reply_number};
    int64_t shard;
    if (call->argument_count > 3) {
        reply_error(call->reply, REPLY_SYNTAX);
        return true;
    }
    if (call->argument_count == 3 && !number_parse_i64(call->arguments[2], &shard)) {
        reply_error(call->reply, REPLY_NOT_INTEGER);
        return true;
    }
    return ask_workers(call, &SNAPSHOT);
}

/* ---- TRANSFER ---- */

static void answer_transfer(struct worker *worker, const struct ask_words *words,
                            struct ask_answer *answer) {
    const struct bytes *arguments = words->arguments;
    int64_t shard, node = 0;
    if (!number_parse_i64(arguments[2], &shard) || shard < 0 || shard > TOPOLOGY_SHARD_MAXIMUM ||
        (words->argument_count > 3 && !number_parse_i64(arguments[3], &node)))
        return;
    struct shard *here = worker_shard(worker, (uint32_t)shard);
    if (here && shard_transfer(here, (raft_node_number)node, "asked"))
        answer->number++;
}

static void reply_transfer(const struct worker *worker, const struct ask_answer *all,
                           struct reply *reply) {
    (void)worker;
    if (all->number) {
        reply_ok(reply);
    } else {
        reply_error(reply, "ERR nobody can take the lead of that shard now: the node named is "
                           "not one of its replicas, does not answer or is about to stop");
    }
}

static const struct ask_question TRANSFER = {.answer = answer_transfer, .reply = reply_transfer};

/* Only the node that leads the shard can; another says MOVED. */
static bool transfer(struct session_command *call) {
    const struct worker *worker = call->worker;
    int64_t shard, node = 0;
    if (call->argument_count > 4)
        reply_error(call->reply, REPLY_SYNTAX);
    else if (!number_parse_i64(call->arguments[2], &shard) ||
             (call->argument_count == 4 && !number_parse_i64(call->arguments[3], &node)))
        reply_error(call->reply, REPLY_NOT_INTEGER);
    else if (node < 0 || node > TOPOLOGY_NUMBER_MAXIMUM)
        reply_error(call->reply, "ERR there is no such node");
    else if (!worker->topology || shard < 0 || shard > TOPOLOGY_SHARD_MAXIMUM ||
             !topology_shard(worker->topology, (uint32_t)shard))
        reply_error(call->reply, "ERR there is no such shard");
    else if (!leaders_is_here(worker, (uint32_t)shard))
        leaders_redirect(call->worker, (uint32_t)shard, 0, call->reply);
    else
        return ask_workers(call, &TRANSFER);
    return true;
}

/* ---- RECOVER ---- */

/* For other replicas of the control shard, and no newer one: what the topology wants could not be
 * followed then. Its log may know one that the topology lacks: the disk was full when that was to
 * be saved, or the power failed before. */
static uint64_t newest_wish(const struct worker *worker, const struct shard *control) {
    uint64_t logged = raft_configuration(shard_raft(control))->wish;
    uint64_t wanted = worker->topology->shards[0].wanted_epoch;
    return logged > wanted ? logged : wanted;
}

/* A data shard is told by the topology; the control shard, which decides on that, by this alone. */
static void answer_recover(struct worker *worker, const struct ask_words *words,
                           struct ask_answer *answer) {
    (void)words;
    struct shard *control = worker_shard(worker, 0);
    if (control && worker->topology &&
        shard_recover_alone(control, newest_wish(worker, control)) == 0)
        answer->number++;
}

static void reply_recover(const struct worker *worker, const struct ask_answer *all,
                          struct reply *reply) {
    (void)worker;
    if (all->number) {
        reply_ok(reply);
    } else {
        reply_error(reply, "ERR this node has no replica of the control shard, hears its leader, "
                           "or loads a snapshot that came from one: there is nothing to recover "
                           "now");
    }
}

static const struct ask_question RECOVER = {.answer = answer_recover, .reply = reply_recover};

/* ---- VOTERS ---- */

static void append_numbers(struct buffer *out, const raft_node_number *numbers, unsigned count) {
    buffer_append_text(out, count ? " " : " -");
    for (unsigned i = 0; i < count; i++)
        buffer_append_format(out, "%s%u", i ? "," : "", numbers[i]);
}

/* By the log of each replica here, which may know more, or less, than the topology: whoever asks
 * what a shard needs to go on asks for this. */
static void answer_voters(struct worker *worker, const struct ask_words *words,
                          struct ask_answer *answer) {
    (void)words;
    for (unsigned i = 0; i < worker->hosted_count; i++) {
        const struct raft *raft = shard_raft(worker->shards[worker->hosted[i]]);
        const struct raft_configuration *members = raft_configuration(raft);
        raft_index last = raft_last_index(raft);
        buffer_append_format(&answer->text, "%u %llu %llu", worker->hosted[i],
                             (unsigned long long)raft_term_at(raft, last),
                             (unsigned long long)last);
        append_numbers(&answer->text, members->voters, members->voter_count);
        append_numbers(&answer->text, members->old_voters, members->old_voter_count);
        struct shard_place coming = shard_coming_in(worker->shards[worker->hosted[i]]);
        buffer_append_format(&answer->text, " %llu %llu\n", (unsigned long long)coming.term,
                             (unsigned long long)coming.index);
    }
}

static const struct ask_question VOTERS = {.answer = answer_voters, .reply = ask_reply_text};

/* ---- ADDNODE, REPLICAS: commands of the control shard ---- */

enum { CONTROL_ARGUMENT_MAXIMUM = 16 };

/* Only the leader of the control shard can; another node says MOVED. */
static bool can_call_control(struct session_command *call) {
    bool can = call->worker->topology && leaders_is_here(call->worker, 0);
    if (!can)
        leaders_redirect(call->worker, 0, 0, call->reply);
    return can;
}

/* False: the answer comes when it is applied. */
static bool propose_to_control(struct session_command *call, const struct bytes *arguments,
                               size_t count) {
    struct session *session = call->session;
    struct shard_call of_control = {.arguments = arguments,
                                    .argument_count = count,
                                    .target = &session->target,
                                    .ticket = session_expect(session, 0, 0),
                                    .protocol = (uint8_t)session->protocol,
                                    .flags = CALL_THROUGH_LOG};
    if (calls_send(call->worker, 0, &of_control) == ROUTE_BUSY) {
        session_expect_no_more(session);
        reply_error(call->reply, "TRYAGAIN the control shard has no room for this now");
        return true;
    }
    return false;
}

static bool control_call(struct session_command *call, const char *name) {
    struct bytes arguments[CONTROL_ARGUMENT_MAXIMUM] = {bytes_of_text(name)};
    size_t count = call->argument_count - 1;
    if (count > CONTROL_ARGUMENT_MAXIMUM) {
        reply_error(call->reply, REPLY_SYNTAX);
        return true;
    }
    memcpy(arguments + 1, call->arguments + 2, (count - 1) * sizeof arguments[0]);
    return !can_call_control(call) || propose_to_control(call, arguments, count);
}

/* For `trothdb cluster recover`: what the nodes that are left know, and the control shard if its
 * own is older. */
static bool tell_or_restore_topology(struct session_command *call) {
    const struct worker *worker = call->worker;
    if (call->argument_count > 2)
        return control_call(call, "topology.restore");
    if (!worker->topology) {
        reply_error(call->reply, "ERR this node belongs to no cluster yet");
        return true;
    }
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(worker->topology, &encoded);
    reply_bulk(call->reply, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return true;
}

/* Of a release that cannot read the topology a spare would never come to be a node. */
static bool is_too_old(const struct session_command *call) {
    const struct worker *worker = call->worker;
    for (size_t i = 0; worker->topology && call->argument_count > 2 && i < worker->members.count;
         i++) {
        const uint8_t *uuid = worker->members.members[i].uuid;
        char text[HEX_TEXT_BYTES(GOSSIP_UUID_BYTES)];
        hex_write(uuid, GOSSIP_UUID_BYTES, text);
        if (bytes_equal_ignoring_case(call->arguments[2], text))
            return levels_of(worker, uuid) < worker->topology->level;
    }
    return false;
}

static bool add_node(struct session_command *call) {
    if (!is_too_old(call))
        return control_call(call, "node.add");
    reply_error(call->reply, "ERR this node knows fewer features than the cluster uses; install "
                             "the cluster's release there, or raise its feature-level-maximum");
    return true;
}

/* ---- CLUSTERSET, CLUSTERUNSET: settings of all nodes ---- */

static struct bytes *proposal_of(const struct session_command *call, bool is_set) {
    struct bytes *proposal = memory_allocate_zeroed(call->argument_count - 1, sizeof(struct bytes));
    proposal[0] = is_set ? BYTES_LITERAL("setting.set") : BYTES_LITERAL("setting.unset");
    for (size_t i = 2; i < call->argument_count; i++) {
        bool is_name = !is_set || i % 2 == 0;
        const char *name = is_name ? config_name(call->arguments[i]) : NULL;
        proposal[i - 1] = name ? bytes_of_text(name) : call->arguments[i];
    }
    return proposal;
}

/* A name that a later release set for all nodes can be unset here, too; one that nobody knows is
 * an error of writing. */
static const struct bytes *unknown_name(const struct session_command *call) {
    for (size_t i = 2; i < call->argument_count; i++)
        if (!config_name(call->arguments[i]) &&
            !topology_setting(call->worker->topology, call->arguments[i]))
            return &call->arguments[i];
    return NULL;
}

/* Checked where it is asked, and by this release's table, before it is proposed: the control
 * shard's machine must do the same on nodes of every release, so it takes what it is given. */
static bool cluster_setting(struct session_command *call, bool is_set) {
    if (is_set && call->argument_count % 2 != 0) {
        reply_error(call->reply, REPLY_SYNTAX);
        return true;
    }
    if (!can_call_control(call))
        return true;
    const struct bytes *unknown = is_set ? NULL : unknown_name(call);
    if (unknown) {
        reply_error_format(call->reply, "ERR no setting is called '%.*s'; CONFIG GET * lists all",
                           BYTES_PRINT(*unknown));
        return true;
    }
    struct bytes *proposal = proposal_of(call, is_set);
    struct buffer problem;
    buffer_init(&problem, CONFIG_VALUE_MAXIMUM + 1024);
    bool is_answered = true;
    if (settings_check_cluster(call->worker, proposal, call->argument_count - 1, &problem))
        reply_error_format(call->reply, "ERR %.*s", BYTES_PRINT(buffer_bytes(&problem)));
    else
        is_answered = propose_to_control(call, proposal, call->argument_count - 1);
    buffer_release(&problem);
    memory_free(proposal);
    return is_answered;
}

static void answer_backup(struct worker *worker, const struct ask_words *words,
                          struct ask_answer *answer) {
    backups_tell(worker, words->argument_count > 2, &answer->text);
}

static const struct ask_question BACKUP = {.answer = answer_backup, .reply = ask_reply_text};

static bool backup(struct session_command *call) {
    bool is_now = call->argument_count == 3 && bytes_equal_ignoring_case(call->arguments[2], "now");
    if (call->argument_count > 2 && !is_now) {
        reply_error(call->reply, REPLY_SYNTAX);
        return true;
    }
    if (!call->worker->config.backup_to[0]) {
        reply_error(call->reply, "ERR no backups are made: the setting backup-to names no place");
        return true;
    }
    return ask_workers(call, &BACKUP);
}

/* ---- by name ---- */

static bool recover(struct session_command *call) { return ask_workers(call, &RECOVER); }
static bool voters(struct session_command *call) { return ask_workers(call, &VOTERS); }
static bool remove_node(struct session_command *call) { return control_call(call, "node.remove"); }
static bool lost(struct session_command *call) { return control_call(call, "nodes.lost"); }
static bool replicas(struct session_command *call) { return control_call(call, "shard.replicas"); }
static bool cluster_set(struct session_command *call) { return cluster_setting(call, true); }
static bool cluster_unset(struct session_command *call) { return cluster_setting(call, false); }
static bool settings(struct session_command *call) {
    return settings_call(call, SETTINGS_CALL_SHOW);
}
static bool unset(struct session_command *call) { return settings_call(call, SETTINGS_CALL_UNSET); }
static bool status(struct session_command *call) {
    status_command(call);
    return true;
}
static bool durability(struct session_command *call) {
    durability_command(call);
    return true;
}
static bool help(struct session_command *call) {
    trothdb_help(call->reply);
    return true;
}

bool trothdb_command(struct session_command *call) {
    static const struct {
        const char *name;
        bool (*run)(struct session_command *call);
    } subcommands[] = {{"trothdb|addnode", add_node},
                       {"trothdb|backup", backup},
                       {"trothdb|clusterset", cluster_set},
                       {"trothdb|clusterunset", cluster_unset},
                       {"trothdb|durability", durability},
                       {"trothdb|found", found_or_ask},
                       {"trothdb|help", help},
                       {"trothdb|lost", lost},
                       {"trothdb|recover", recover},
                       {"trothdb|removenode", remove_node},
                       {"trothdb|replicas", replicas},
                       {"trothdb|settings", settings},
                       {"trothdb|snapshot", snapshot},
                       {"trothdb|status", status},
                       {"trothdb|topology", tell_or_restore_topology},
                       {"trothdb|transfer", transfer},
                       {"trothdb|unset", unset},
                       {"trothdb|voters", voters}};
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (strcmp(subcommands[i].name, call->command->name) == 0)
            return subcommands[i].run(call);
    UNREACHABLE();
}
