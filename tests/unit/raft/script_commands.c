#include "base/check.h"
#include "script.h"
#include "transcript.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t number_of(const char *text) { return strtoull(text, NULL, 10); }

static uint64_t time_of(const char *text) {
    char *unit;
    uint64_t value = strtoull(text, &unit, 10);
    if (strcmp(unit, "us") == 0)
        return value;
    return strcmp(unit, "s") == 0 ? value * 1000000 : value * 1000;
}

static const char *word_at(const struct line *line, size_t position) {
    return position < line->word_count ? line->words[position] : "";
}

static bool option_find(const struct line *line, const char *name, const char **value) {
    size_t length = strlen(name);
    for (size_t i = 1; i < line->word_count; i++) {
        if (strncmp(line->words[i], name, length) != 0 || line->words[i][length] != '=')
            continue;
        *value = line->words[i] + length + 1;
        return true;
    }
    return false;
}

static void option_number(const struct line *line, const char *name, uint64_t *value) {
    const char *text;
    if (option_find(line, name, &text))
        *value = number_of(text);
}

static struct cluster_node *node_at(struct script *script, const struct line *line,
                                    size_t position) {
    uint64_t number = number_of(word_at(line, position));
    if (script->cluster == NULL || number == 0 || number > script->cluster->node_count) {
        fprintf(stderr, "no such node in: %s\n", line->text);
        exit(2);
    }
    return cluster_node(script->cluster, (raft_node_number)number);
}

static void run_cluster(struct script *script, const struct line *line) {
    uint64_t lease_ms = 250, move_pause_ms = 0, window_messages = 64, window_bytes = 1 << 20,
             message_bytes = 1 << 20, quiet_ms = 0, lazy_ms = 0, patience_us = 0;
    option_number(line, "lease", &lease_ms);
    option_number(line, "move-pause", &move_pause_ms);
    option_number(line, "window", &window_messages);
    option_number(line, "window-bytes", &window_bytes);
    option_number(line, "message-bytes", &message_bytes);
    option_number(line, "quiet", &quiet_ms);
    option_number(line, "lazy", &lazy_ms);
    option_number(line, "patience", &patience_us);
    struct raft_timing timing = {.election_timeout_us = 250000,
                                 .lease_us = lease_ms * 1000,
                                 .heartbeat_us = 50000,
                                 .clock_drift_percent = 20,
                                 .window_bytes = window_bytes,
                                 .window_messages = (unsigned)window_messages,
                                 .message_bytes = message_bytes,
                                 .lazy_us = lazy_ms * 1000,
                                 .move_pause_us = move_pause_ms * 1000,
                                 .quiet_after_us = quiet_ms * 1000};
    struct raft_configuration configuration = {0};
    const char *learners = "", *newcomers = "";
    option_find(line, "learners", &learners);
    option_find(line, "new", &newcomers);
    uint64_t count = number_of(word_at(line, 1));
    for (raft_node_number node = 1; node <= count; node++)
        if (strchr(learners, '0' + (char)node) != NULL)
            configuration.learners[configuration.learner_count++] = node;
        else if (strchr(newcomers, '0' + (char)node) == NULL)
            configuration.voters[configuration.voter_count++] = node;
    if (script->cluster != NULL)
        cluster_free(script->cluster);
    script->cluster = cluster_new(count, &timing, &configuration, 1, &script->out);
    script->cluster->patience_us = (uint32_t)patience_us;
}

static void run_tick(struct script *script, const struct line *line) {
    struct cluster_node *node = node_at(script, line, 1);
    script->cluster->now_us += time_of(word_at(line, 2));
    cluster_step(script->cluster, node, (struct raft_event){.kind = RAFT_TICK});
}

static void run_pass(struct script *script, const struct line *line) {
    script->cluster->now_us += time_of(word_at(line, 1));
}

/* Does the packet lie on the link that the second word names? */
static bool is_on_link(const struct line *line, raft_node_number from, raft_node_number to) {
    unsigned meant_from, meant_to;
    if (sscanf(word_at(line, 1), "%u->%u", &meant_from, &meant_to) != 2)
        return true;
    return from == meant_from && to == meant_to;
}
static bool is_meant(const struct line *line, const struct raft_message *message) {
    return is_on_link(line, message->from, message->to);
}

/* Only what waits when the command begins; what is sent meanwhile waits for the next. */
static void packets_each(struct script *script, const struct line *line,
                         void (*act)(struct cluster *cluster, size_t position)) {
    struct cluster_packets *packets = &script->cluster->packets;
    size_t left = packets->count;
    uint64_t wanted = line->word_count > 2 ? number_of(line->words[2]) : UINT64_MAX;
    for (size_t position = 0; left > 0 && wanted > 0; left--) {
        if (!is_meant(line, &packets->packets[position].message)) {
            position++;
            continue;
        }
        act(script->cluster, position);
        wanted--;
    }
}

static void run_deliver(struct script *script, const struct line *line) {
    packets_each(script, line, cluster_packet_deliver);
}
static void run_drop(struct script *script, const struct line *line) {
    packets_each(script, line, cluster_packet_drop);
}

static void run_beat(struct script *script, const struct line *line) {
    cluster_beat_send(script->cluster, node_at(script, line, 1));
}

static bool beat_arrive(struct script *script, size_t position) {
    struct cluster_beat beat = script->cluster->beats[position];
    buffer_append_format(&script->out, "%u->%u pair %s\n", beat.from, beat.to,
                         beat.is_reply ? "reply" : "heartbeat");
    bool is_equal = cluster_beat_deliver(script->cluster, position);
    buffer_append_format(&script->out, "%u finds it %s\n", beat.to, is_equal ? "equal" : "unequal");
    return true;
}
static bool beat_lose(struct script *script, size_t position) {
    cluster_beat_drop(script->cluster, position);
    return true;
}

static void beats_each(struct script *script, const struct line *line,
                       bool (*act)(struct script *script, size_t position)) {
    size_t left = script->cluster->beat_count;
    uint64_t wanted = line->word_count > 2 ? number_of(line->words[2]) : UINT64_MAX;
    for (size_t position = 0; left > 0 && wanted > 0; left--) {
        const struct cluster_beat *beat = &script->cluster->beats[position];
        if (is_on_link(line, beat->from, beat->to))
            wanted -= act(script, position);
        else
            position++;
    }
}
static void run_beats(struct script *script, const struct line *line) {
    beats_each(script, line, beat_arrive);
}
static void run_drop_beats(struct script *script, const struct line *line) {
    beats_each(script, line, beat_lose);
}

static void run_notice(struct script *script, const struct line *line) {
    cluster_silence_notice(script->cluster, node_at(script, line, 1));
}

static void run_busy(struct script *script, const struct line *line) {
    raft_node_number peer = (raft_node_number)number_of(word_at(line, 2));
    struct cluster_node *node = node_at(script, line, 1);
    node->pairs[peer].entries_us = cluster_clock(script->cluster, node);
}

static void run_others(struct script *script, const struct line *line) {
    struct cluster_node *node = node_at(script, line, 1);
    uint64_t peer = number_of(word_at(line, 2)), now_us = cluster_clock(script->cluster, node);
    struct raft_pair_reply reply = {.life = node->lives,
                                    .context = now_us,
                                    .is_equal = true,
                                    .promise_us = node->timing.lease_us};
    bool is_equal =
        raft_pair_reply_take(&node->pairs[peer], &reply, node->lives, &node->timing, now_us);
    CHECK(is_equal);
}

static void run_unable(struct script *script, const struct line *line) {
    raft_node_number peer = (raft_node_number)number_of(word_at(line, 2));
    node_at(script, line, 1)->pairs[peer].is_able = false;
}

static void run_duplicate(struct script *script, const struct line *line) {
    for (size_t i = script->cluster->packets.count; i > 0; i--) {
        if (!is_meant(line, &script->cluster->packets.packets[i - 1].message))
            continue;
        cluster_packet_duplicate(script->cluster, i - 1);
        return;
    }
}

static void run_network(struct script *script, const struct line *line) {
    (void)line;
    for (size_t i = 0; i < script->cluster->packets.count; i++) {
        transcript_message(&script->out, &script->cluster->packets.packets[i].message);
        buffer_append_text(&script->out, "\n");
    }
}

static void option_position(const struct line *line, const char *name, uint64_t *index,
                            uint64_t *term) {
    const char *text;
    if (option_find(line, name, &text))
        sscanf(text, "%" SCNu64 "/%" SCNu64, index, term);
}

static bool has_word(const struct line *line, const char *word) {
    for (size_t i = 1; i < line->word_count; i++)
        if (strcmp(line->words[i], word) == 0)
            return true;
    return false;
}

enum { SENT_ENTRY_MAXIMUM = 16 };

static size_t entries_forge(const struct line *line, struct raft_entry **entries) {
    const char *at = "";
    size_t count = 0;
    option_find(line, "entries", &at);
    for (; *at != 0 && count < SENT_ENTRY_MAXIMUM; at += strcspn(at, ","), at += *at == ',') {
        uint64_t index = 0, term = 0;
        sscanf(at, "%" SCNu64 "/%" SCNu64, &index, &term);
        entries[count] = raft_entry_new(1);
        *raft_entry_payload_room(entries[count]) = 'x';
        raft_entry_seal(entries[count++], term, index, RAFT_ENTRY_COMMANDS);
    }
    return count;
}

static void run_send(struct script *script, const struct line *line) {
    struct raft_entry *entries[SENT_ENTRY_MAXIMUM];
    struct raft_message message = {.kind = transcript_kind_of(word_at(line, 1)),
                                   .is_rejected = has_word(line, "rejected"),
                                   .is_forced = has_word(line, "forced"),
                                   .is_quiet = has_word(line, "quiet"),
                                   .entries = entries,
                                   .entry_count = entries_forge(line, entries)};
    uint64_t to = 0;
    sscanf(word_at(line, 2), "%u->%" SCNu64, &message.from, &to);
    message.to = (raft_node_number)to;
    option_number(line, "term", &message.term);
    option_number(line, "commit", &message.commit_index);
    option_number(line, "context", &message.context);
    option_number(line, "round", &message.read_round);
    option_position(line, "after", &message.log_index, &message.log_term);
    option_position(line, "conflict", &message.conflict_index, &message.conflict_term);
    uint64_t at = 0; /* of another than it is meant for */
    option_number(line, "at", &at);
    cluster_step(script->cluster,
                 cluster_node(script->cluster, at != 0 ? (raft_node_number)at : message.to),
                 (struct raft_event){.kind = RAFT_MESSAGE, .message = &message});
    for (size_t i = 0; i < message.entry_count; i++)
        raft_entry_drop(entries[i]);
}

static void run_durable(struct script *script, const struct line *line) {
    struct cluster_node *node = node_at(script, line, 1);
    uint64_t count = line->word_count > 2 ? number_of(line->words[2]) : node->save_count;
    while (count-- > 0)
        cluster_save_next(script->cluster, node, true);
}

static void settle_silently(struct script *script) {
    script->cluster->transcript = NULL;
    cluster_settle(script->cluster);
    script->cluster->transcript = &script->out;
}

static void run_settle(struct script *script, const struct line *line) {
    (void)line;
    settle_silently(script);
}

static void run_calm(struct script *script, const struct line *line) {
    struct cluster *cluster = script->cluster;
    uint64_t end_us = cluster->now_us + time_of(word_at(line, 1));
    cluster->transcript = NULL;
    while (cluster->now_us < end_us) {
        cluster->now_us += 10000;
        for (size_t i = 0; i < cluster->node_count; i++)
            if (cluster->now_us >= cluster->nodes[i].deadline_us)
                cluster_step(cluster, &cluster->nodes[i], (struct raft_event){.kind = RAFT_TICK});
        for (size_t i = 0; i < cluster->node_count; i++) {
            cluster_beat_send(cluster, &cluster->nodes[i]);
            cluster_silence_notice(cluster, &cluster->nodes[i]);
        }
        cluster_settle(cluster);
    }
    cluster->transcript = &script->out;
}

static void run_elect(struct script *script, const struct line *line) {
    struct cluster_node *node = node_at(script, line, 1);
    script->cluster->transcript = NULL;
    for (unsigned i = 0; i < 10 && raft_role(node->raft) != RAFT_LEADER; i++) {
        script->cluster->now_us += 500000;
        cluster_step(script->cluster, node, (struct raft_event){.kind = RAFT_TICK});
        cluster_settle(script->cluster);
    }
    script->cluster->transcript = &script->out;
    transcript_state(&script->out, node);
}

static void run_propose(struct script *script, const struct line *line) {
    cluster_propose(script->cluster, node_at(script, line, 1), word_at(line, 2),
                    strcmp(word_at(line, 3), "early") == 0);
}

static void run_read(struct script *script, const struct line *line) {
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_READ, .read_id = number_of(word_at(line, 2))});
}

static void run_transfer(struct script *script, const struct line *line) {
    raft_node_number to = (raft_node_number)number_of(word_at(line, 2));
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_TRANSFER, .peer = to});
}

static void run_change(struct script *script, const struct line *line) {
    struct raft_configuration wanted = {0};
    option_number(line, "wish", &wanted.wish);
    for (const char *at = word_at(line, 2); *at != 0 && wanted.voter_count < RAFT_VOTER_MAXIMUM;
         at += strcspn(at, ","), at += *at == ',')
        wanted.voters[wanted.voter_count++] = (raft_node_number)number_of(at);
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_CHANGE, .configuration = &wanted});
}

static void run_recover(struct script *script, const struct line *line) {
    struct raft_configuration alone = {.voter_count = 1,
                                       .voters = {(raft_node_number)number_of(word_at(line, 1))}};
    option_number(line, "wish", &alone.wish);
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_RECOVER, .configuration = &alone});
}

static void run_lost(struct script *script, const struct line *line) {
    raft_node_number peer = (raft_node_number)number_of(word_at(line, 2));
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_PEER_LOST, .peer = peer});
}

static void run_suspected(struct script *script, const struct line *line) {
    raft_node_number peer = (raft_node_number)number_of(word_at(line, 2));
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_PEER_SUSPECTED, .peer = peer});
}

static void run_standing(struct script *script, const struct line *line) {
    static const char *const names[] = {"willing", "reluctant", "unfit", "leaving"};
    raft_node_number peer = (raft_node_number)number_of(word_at(line, 2));
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], word_at(line, 3)) == 0)
            cluster_step(script->cluster, node_at(script, line, 1),
                         (struct raft_event){.kind = RAFT_STANDING,
                                             .peer = peer,
                                             .standing = (enum raft_standing)i});
}

static void run_lease(struct script *script, const struct line *line) {
    const struct cluster_node *node = node_at(script, line, 1);
    bool has_lease = raft_has_lease(node->raft, cluster_clock(script->cluster, node));
    buffer_append_format(&script->out, "%u %s\n", node->number, has_lease ? "lease" : "no lease");
}

static void run_return(struct script *script, const struct line *line) {
    const struct cluster_node *node = node_at(script, line, 1);
    struct raft_led led = {.now_us = cluster_clock(script->cluster, node),
                           .least_us = time_of(word_at(line, 3))};
    bool may = raft_may_give_back(node->raft, (raft_node_number)number_of(word_at(line, 2)), &led);
    buffer_append_format(&script->out, "%u %s\n", node->number,
                         may ? "may give the lead back" : "does not give the lead back");
}

static void run_crash(struct script *script, const struct line *line) {
    cluster_crash(script->cluster, node_at(script, line, 1));
}
static void run_start(struct script *script, const struct line *line) {
    cluster_start(script->cluster, node_at(script, line, 1));
}
static void run_restart(struct script *script, const struct line *line) {
    run_crash(script, line);
    run_start(script, line);
}

static void run_full(struct script *script, const struct line *line) {
    raft_set_room(node_at(script, line, 1)->raft, false);
}
static void run_room(struct script *script, const struct line *line) {
    raft_set_room(node_at(script, line, 1)->raft, true);
}

static void run_remove(struct script *script, const struct line *line) {
    cluster_remove(script->cluster, node_at(script, line, 1));
}

static void run_disk(struct script *script, const struct line *line) {
    uint64_t term = 0, vote = 0;
    raft_term terms[SCRIPT_WORD_MAXIMUM];
    size_t count = 0;
    option_number(line, "term", &term);
    option_number(line, "vote", &vote);
    for (size_t i = 2; i < line->word_count; i++)
        if (strchr(line->words[i], '=') == NULL)
            terms[count++] = number_of(line->words[i]);
    cluster_disk_write(node_at(script, line, 1), term, (raft_node_number)vote, terms, count);
}

static void run_compact(struct script *script, const struct line *line) {
    cluster_compact(script->cluster, node_at(script, line, 1), number_of(word_at(line, 2)));
}

static void run_hurry(struct script *script, const struct line *line) {
    cluster_step(
        script->cluster, node_at(script, line, 1),
        (struct raft_event){.kind = RAFT_HURRY, .hurry_index = number_of(word_at(line, 2))});
}

static void run_lazy(struct script *script, const struct line *line) {
    script->cluster->timing.lazy_us = time_of(word_at(line, 1));
    cluster_timing_set(script->cluster, NULL);
}

static void run_promise(struct script *script, const struct line *line) {
    script->cluster->timing.lease_us = time_of(word_at(line, 1));
    cluster_timing_set(script->cluster, line->word_count > 2 ? node_at(script, line, 2) : NULL);
}

static void run_forget(struct script *script, const struct line *line) {
    cluster_forget(script->cluster, node_at(script, line, 1), number_of(word_at(line, 2)),
                   number_of(word_at(line, 3)),
                   line->word_count > 4 ? number_of(word_at(line, 4)) : UINT64_MAX);
}

static void snapshot_end(struct script *script, const struct line *line, bool is_rejected) {
    cluster_step(script->cluster, node_at(script, line, 1),
                 (struct raft_event){.kind = RAFT_SNAPSHOT_SENT,
                                     .peer = (raft_node_number)number_of(word_at(line, 2)),
                                     .snapshot_index = number_of(word_at(line, 3)),
                                     .is_rejected = is_rejected});
}
static void run_snapshot_sent(struct script *script, const struct line *line) {
    snapshot_end(script, line, false);
}
static void run_snapshot_failed(struct script *script, const struct line *line) {
    snapshot_end(script, line, true);
}

static void run_install(struct script *script, const struct line *line) {
    cluster_install(script->cluster, node_at(script, line, 1), node_at(script, line, 2),
                    number_of(word_at(line, 3)));
}

static void run_deadline(struct script *script, const struct line *line) {
    const struct cluster_node *node = node_at(script, line, 1);
    uint64_t now_us = cluster_clock(script->cluster, node), deadline_us = node->deadline_us;
    if (deadline_us == UINT64_MAX)
        buffer_append_format(&script->out, "%u never looks again by itself\n", node->number);
    else
        buffer_append_format(&script->out, "%u looks again in %" PRIu64 "ms\n", node->number,
                             deadline_us > now_us ? (deadline_us - now_us) / 1000 : 0);
}

static void run_show(struct script *script, const struct line *line) {
    if (line->word_count > 1) {
        transcript_state(&script->out, node_at(script, line, 1));
        return;
    }
    for (size_t i = 0; i < script->cluster->node_count; i++)
        transcript_state(&script->out, &script->cluster->nodes[i]);
}

static const struct {
    const char *name;
    void (*run)(struct script *script, const struct line *line);
} commands[] = {
    {"cluster", run_cluster},
    {"tick", run_tick},
    {"pass", run_pass},
    {"deliver", run_deliver},
    {"drop", run_drop},
    {"duplicate", run_duplicate},
    {"network", run_network},
    {"send", run_send},
    {"durable", run_durable},
    {"settle", run_settle},
    {"calm", run_calm},
    {"beat", run_beat},
    {"beats", run_beats},
    {"drop-beats", run_drop_beats},
    {"notice", run_notice},
    {"busy", run_busy},
    {"others", run_others},
    {"unable", run_unable},
    {"elect", run_elect},
    {"propose", run_propose},
    {"read", run_read},
    {"transfer", run_transfer},
    {"change", run_change},
    {"recover", run_recover},
    {"lost", run_lost},
    {"suspected", run_suspected},
    {"standing", run_standing},
    {"full", run_full},
    {"room", run_room},
    {"lease", run_lease},
    {"return", run_return},
    {"crash", run_crash},
    {"start", run_start},
    {"restart", run_restart},
    {"remove", run_remove},
    {"disk", run_disk},
    {"compact", run_compact},
    {"hurry", run_hurry},
    {"lazy", run_lazy},
    {"promise", run_promise},
    {"forget", run_forget},
    {"snapshot-sent", run_snapshot_sent},
    {"snapshot-failed", run_snapshot_failed},
    {"install", run_install},
    {"deadline", run_deadline},
    {"show", run_show},
};

static void line_split(struct line *line) {
    static const char spaces[] = " \t";
    char *rest = NULL;
    memcpy(line->split, line->text, sizeof line->split);
    line->word_count = 0;
    for (char *word = strtok_r(line->split, spaces, &rest);
         word != NULL && line->word_count < SCRIPT_WORD_MAXIMUM;
         word = strtok_r(NULL, spaces, &rest))
        line->words[line->word_count++] = word;
}

void script_command(struct script *script, struct line *line) {
    line_split(line);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, word_at(line, 0)) != 0)
            continue;
        commands[i].run(script, line);
        return;
    }
    fprintf(stderr, "unknown command: %s\n", line->text);
    exit(2);
}
