#include "node/node.h"

#include <stdio.h>

#include "base/memory.h"
#include "cluster/feature.h"
#include "console/console_cluster.h"
#include "member/said_keys.h"
#include "node/drain.h"
#include "replica/hosting.h"
#include "replica/leads/neighbours.h"
#include "replica/leads/preferred.h"
#include "replica/leads/standing.h"
#include "replica/mail/outbox.h"
#include "replica/mail/pairs.h"
#include "replica/mail/raft_mail.h"
#include "replica/mail/slow_trace.h"
#include "replica/mail/transfers.h"
#include "replica/peers.h"
#include "replica/recovery.h"
#include "replica/shards/backups.h"
#include "replica/shards/freeing.h"
#include "replica/shards/publish.h"
#include "replica/shards/rounds.h"
#include "replica/shards/scrub.h"
#include "replica/shards/timers.h"
#include "replica/state/state.h"
#include "replica/topology/control.h"
#include "replica/topology/levels.h"
#include "replica/topology/replicas.h"
#include "session/calls/ask.h"
#include "session/calls/calls.h"
#include "session/commands/commands.h"
#include "session/commands/config.h"
#include "session/commands/gossip_sessions.h"
#include "session/sessions.h"
#include "worker/leaders.h"
#include "worker/node_shared.h"
#include "worker/observe.h"
#include "worker/settings.h"
#include "worker/worker.h"

/* ---- mail ---- */

static void members_received(struct worker *worker, struct bytes bytes) {
    const struct member_view *view = &worker->members;
    if (member_view_hear(&worker->members, bytes))
        return;
    neighbours_hear(worker);
    for (size_t i = 0; worker->topology && i < view->count; i++) {
        const struct topology_node *node =
            topology_node_by_uuid(worker->topology, view->members[i].uuid);
        if (!node || node->number == worker->self)
            continue;
        control_hear_address(worker, node, &view->members[i]);
        leaders_hear_hints(worker, &view->members[i], node->number);
    }
}

static void reply_received(struct worker *worker, struct mail *mail) {
    worker->sessions->mailed_bytes -= mail->command_bytes;
    struct target *target = mail->target;
    struct shard_answer answer = {.shard = mail->shard,
                                  .origin = (enum shard_origin)mail->origin,
                                  .place = {.index = mail->index, .term = mail->term},
                                  .asked_us = mail->asked_us,
                                  .ended_us = mail->ended_us,
                                  .reply = &mail->bytes};
    worker->sessions->answering = &answer;
    target->deliver(worker, target, mail->ticket, (enum shard_outcome)mail->status,
                    buffer_bytes(&mail->bytes));
    worker->sessions->answering = NULL;
}

void worker_mail(struct worker *worker, struct mail *mail) {
    worker->turn_us = worker_now_us(worker);
    switch (mail->kind) {
    case MAIL_COMMAND:
        calls_mail(worker, mail);
        return;
    case MAIL_REPLY:
        reply_received(worker, mail);
        break;
    case MAIL_PEER:
        if (peers_receive(worker, buffer_bytes(&mail->bytes), true))
            log_line(worker->io.log, LOG_WARN, "peer batch dropped",
                     LOG_F("worker", worker->index));
        break;
    case MAIL_TOPOLOGY:
        if (mail->flags & MAIL_TOPOLOGY_IS_FOUNDING)
            trothdb_found_mail(worker, mail);
        else
            control_topology_mail(worker, buffer_bytes(&mail->bytes));
        break;
    case MAIL_LEADER:
        if (mail->shard < WORKER_SHARD_MAXIMUM) {
            leaders_set(worker, mail->shard, mail->leader, mail->term);
            control_say_leads(worker);
        }
        break;
    case MAIL_MEMBERS:
        members_received(worker, buffer_bytes(&mail->bytes));
        break;
    case MAIL_SETTINGS:
        settings_apply(worker, buffer_bytes(&mail->bytes));
        break;
    case MAIL_SETTINGS_FILE:
        settings_file_mail(worker, buffer_bytes(&mail->bytes));
        break;
    case MAIL_SETTINGS_CALL:
        settings_call_mail(worker, mail);
        break;
    case MAIL_ASK:
        ask_mail(worker, mail);
        return;
    case MAIL_STATUS:
        console_status_mail(worker, mail);
        return;
    case MAIL_TRACE:
        slow_trace_mail(worker, mail);
        break;
    case MAIL_GOSSIP_NEWS:
        gossip_sessions_hear(worker, buffer_bytes(&mail->bytes));
        break;
    case MAIL_GOSSIP_SET:
    case MAIL_GOSSIP_SEED:
    case MAIL_GOSSIP_LEAVE:
    case MAIL_GOSSIP_CALL:
    case MAIL_GOSSIP_WATCH:
    case MAIL_GOSSIP_CONTACT:
    case MAIL_GOSSIP_STREAM:
        break; /* the gossiper's, or the owner's listener's */
    }
    mail_free(mail);
}

/* ---- what the shards tell ---- */

static void shard_replied(void *context, struct shard *shard, const struct shard_waiter *waiter,
                          enum shard_outcome outcome, struct bytes reply) {
    struct worker *worker = context;
    struct target *target = waiter->target;
    worker->sessions->answering = shard_answering(shard);
    target->deliver(worker, target, waiter->ticket, outcome, reply);
    worker->sessions->answering = NULL;
}

static void shard_leadership(void *context, struct shard *shard) {
    struct worker *worker = context;
    uint32_t number = shard_number(shard);
    const struct raft *raft = shard_raft(shard);
    struct shard_leader now = {.node = raft_leader(raft), .term = raft_current_term(raft)};
    const struct shard_leader *known = &worker->leaders[number];
    if (now.node == known->node && now.term == known->term)
        return;
    if (now.node && now.node != known->node) {
        worker_count(worker, METRIC_leader_changes_total, 1);
        log_line(worker->io.log, LOG_INFO, "leader changed", LOG_F("node", worker->self),
                 LOG_F("shard", number), LOG_F("term", now.term), LOG_F("leader", now.node),
                 LOG_F("index", shard_applied_index(shard)));
    }
    leaders_set(worker, number, now.node, now.term);
    struct mail *mail = mail_new(MAIL_LEADER, worker->index);
    mail->shard = number;
    mail->leader = now.node;
    mail->term = now.term;
    worker_post_others(worker, mail);
    control_say_leads(worker);
}

static void shard_moved(void *context, struct shard *shard) {
    struct worker *worker = context;
    backups_applied(worker, shard);
    if (shard_number(shard) == 0)
        control_applied(worker, shard);
}

static void shard_failed(void *context, const char *what) {
    struct worker *worker = context;
    log_line(worker->io.log, LOG_ERROR, "a shard cannot go on; this node ends now",
             LOG_T("what", what));
    worker_fatal(worker, what);
}

/* ---- life ---- */

static void wal_became_durable(void *context, uint64_t sequence) {
    struct worker *worker = context;
    worker->turn_us = worker_now_us(worker);
    observe_wal_round(worker);
    timers_durable(worker, sequence);
    rounds_log_round_ended(worker);
    timers_begin_rounds(worker);
    outbox_flush(worker);
    replicas_durable(worker, sequence);
}

static bool may_divide_slots(void *context) {
    const struct worker *worker = context;
    return worker->topology && feature_is_on(worker->topology, FEATURE_DIVIDED_SLOTS);
}

static bool may_split_strings(void *context) {
    const struct worker *worker = context;
    return worker->topology && feature_is_on(worker->topology, FEATURE_SPLIT_STRINGS);
}

static struct shard_io shard_io_of(struct worker *worker) {
    return (struct shard_io){.wal = worker->wal,
                             .disk = worker->io.disk,
                             .clock = worker->io.clock,
                             .log = worker->io.log,
                             .metrics = worker->metrics,
                             .cells = shard_cells_of(worker->metrics),
                             .config = &worker->config,
                             .durable_promise_us = &worker->promise.most_us,
                             .send = raft_mail_send,
                             .send_offer = transfers_send_offer,
                             .send_piece = transfers_send_piece,
                             .send_progress = transfers_send_progress,
                             .admit_transfer_us = transfers_admit_us,
                             .next_snapshot_turn_us = transfers_next_turn_us,
                             .reply = shard_replied,
                             .leadership = shard_leadership,
                             .applied = shard_moved,
                             .fatal = shard_failed,
                             .may_divide_slots = may_divide_slots,
                             .may_split_strings = may_split_strings,
                             .touched = timers_touch,
                             .save_waits_until_us = rounds_save_waits_until_us,
                             .pair_of = pairs_of,
                             .context = worker};
}

static void worker_init(struct worker *worker, const struct worker_options *options) {
    worker->index = options->index;
    worker->count = options->count;
    worker->identity = options->identity;
    identity_node_id(worker->identity.uuid, worker->node_id);
    settings_init(worker, options->config);
    worker->client_address = options->client_address;
    worker->peer_address = options->peer_address;
    worker->admin_address = options->admin_address;
    worker->io = options->io;
    worker->shared = options->shared;
    worker->metrics = node_shared_metrics(options->shared, options->index);
    observe_begin(worker);
    random_init(&worker->random, options->seed);
    worker->settings_changed = sessions_take_settings;
    worker->started_us = worker_now_us(worker);
    sessions_new(worker);
    hosting_new(worker);
}

int worker_new(const struct worker_options *options, struct worker **out, struct buffer *problem) {
    struct worker *worker = memory_allocate_zeroed(1, sizeof *worker);
    worker_init(worker, options);
    int error = recovery_run(worker, wal_became_durable, problem);
    if (!error)
        error = settings_open_promise(worker, recovery_has_replicas(worker), problem);
    if (!error) {
        worker->hosting->shard_io = shard_io_of(worker);
        error = control_start(worker, problem);
    }
    if (error) {
        worker_free(worker);
        return error;
    }
    if (worker->index == 0) {
        char text[NET_HOST_MAXIMUM + 10];
        net_address_format(&worker->client_address, text);
        worker_say(worker, GOSSIP_SAYS_CLIENT, text);
        net_address_format(&worker->admin_address, text);
        worker_say(worker, GOSSIP_SAYS_ADMIN, text);
        worker_say(worker, GOSSIP_SAYS_VERSION, TROTHDB_VERSION);
        levels_say(worker);
    }
    *out = worker;
    return 0;
}

void worker_free(struct worker *worker) {
    if (!worker)
        return;
    sessions_free(worker);
    hosting_free(worker);
    topology_free(worker->topology);
    member_view_release(&worker->members);
    settings_release(worker);
    memory_free(worker);
}

/* ---- shards ---- */

const struct config *worker_config(const struct worker *worker) { return &worker->config; }

const struct topology *worker_topology(const struct worker *worker) { return worker->topology; }

/* ---- time and the turn ---- */

/* A shard that nobody writes to would hold the oldest segment for ever. And a restart reads all
 * that the log holds, of however many shards. */
static void release_old_segments(struct worker *worker) {
    struct wal_statistics log;
    wal_statistics(worker->wal, &log);
    uint64_t segment_bytes = (uint64_t)worker->config.wal_segment_bytes;
    uint64_t most = (uint64_t)worker->config.wal_bytes / segment_bytes;
    uint32_t shard;
    if (wal_oldest_holder(worker->wal, (unsigned)most, &shard) && worker_shard(worker, shard))
        shard_release_log(worker->shards[shard], log.segments * segment_bytes);
}

void worker_tick(struct worker *worker) {
    uint64_t now = worker_now_us(worker);
    worker->turn_us = now;
    timers_tick(worker, now);
    pairs_tick(worker, now);
    scrub_tick(worker->hosting->scrub);
    freeing_tick(worker, now);
    if (now >= worker->next_tick_us) {
        worker->next_tick_us = now + WORKER_TICK_US;
        wal_tick(worker->wal);
        settings_tick(worker);
        standing_set(worker, STANDING_FULL_DISK, wal_space(worker->wal) != WAL_SPACE_ENOUGH);
        publish_statistics(worker);
        sessions_tick(worker, now);
        release_old_segments(worker);
        scrub_shed(worker);
        control_tick(worker);
        replicas_tick(worker);
        standing_tick(worker);
        neighbours_tick(worker);
        preferred_tick(worker);
        backups_tick(worker);
        if (worker->is_draining)
            drain_tick(worker);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t worker_deadline_us(const struct worker *worker) {
    if (worker->sessions->is_turn_wanted)
        return worker->turn_us;
    uint64_t shards_us = earlier(timers_deadline_us(worker), pairs_deadline_us(worker));
    shards_us = earlier(shards_us, freeing_deadline_us(worker));
    uint64_t disk_us = earlier(wal_due_us(worker->wal), scrub_deadline_us(worker->hosting->scrub));
    shards_us = earlier(shards_us, worker->hosting->rounds.look_again_us);
    return earlier(earlier(worker->next_tick_us, disk_us), shards_us);
}

/* A turn that brought at most one command: nobody else waits for this thread. */
static bool is_idle(const struct worker *worker) { return worker->sessions->turn_commands <= 1; }

void worker_turn_end(struct worker *worker) {
    if (worker->is_failed)
        return;
    timers_admit(worker);
    sessions_retry(worker);
    timers_end_turn(worker);
    pairs_end_turn(worker);
    outbox_flush(worker);
    wal_owner_idles(worker->wal, is_idle(worker));
    if (worker->is_draining) {
        wal_flush(worker->wal);
        wal_mark(worker->wal);
    } else {
        wal_flush_due(worker->wal, worker_now_us(worker));
    }
    worker->sessions->turn_commands = 0;
    sessions_write(worker);
}
